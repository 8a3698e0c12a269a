// Package labtest has checks for networks of experiments.
package labtest

import (
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/experiments/lab"
)

// Gradients holds the gradient of the loss of a batch with respect to every
// parameter against central differences along random directions. Parameters are
// left as they were. The network should be in float64, and its QPs solved as
// accurately as they can be.
func Gradients(t *testing.T, n *lab.Network, x, y *tensors.Tensor, tolerance float64) {
	t.Helper()
	grads, err := n.Gradients(x, y)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for name, g := range grads {
		w, err := n.Parameter(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			d := make([]float64, len(w))
			want := 0.0
			for i := range d {
				d[i] = rng.NormFloat64() / math.Sqrt(float64(len(d)))
				want += g[i] * d[i]
			}
			const h = 1e-5
			at := func(step float64) float64 {
				v := make([]float64, len(w))
				for i := range v {
					v[i] = w[i] + step*d[i]
				}
				if err := n.SetParameter(name, v); err != nil {
					t.Fatal(err)
				}
				m, err := n.Test(x, y)
				if err != nil {
					t.Fatal(err)
				}
				return m.Loss
			}
			got := (at(h) - at(-h)) / (2 * h)
			if err := n.SetParameter(name, w); err != nil {
				t.Fatal(err)
			}
			if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
				t.Errorf("parameter %s: derivative %v, difference quotient %v", name, want, got)
			}
		}
	}
}

// SkipChecked skips a test where pointer arithmetic is checked, as it is together
// with races unless the flags of the compiler say otherwise: GoMLX's matrix product in
// Go (compute v0.1.2) computes addresses in a way that this check rejects.
func SkipChecked(t *testing.T) {
	t.Helper()
	if Checked() {
		t.Skip("GoMLX's matrix product does not pass the checks of pointers")
	}
}

// SkipRace skips a test that takes minutes with the race detector: the products of
// large matrices in Go. Tests of package lab run the same code with it.
func SkipRace(t *testing.T) {
	t.Helper()
	if built("-race", "true") {
		t.Skip("takes minutes with the race detector")
	}
}

// Checked reports whether this program checks pointers.
func Checked() bool { return built("-race", "true") && !built("-gcflags", "checkptr=0") }

// built reports whether this program was built with a setting.
func built(key, value string) bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == key && strings.Contains(s.Value, value) })
}
