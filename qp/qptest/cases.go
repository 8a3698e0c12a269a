package qptest

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/optnet-go/optnet/qp"
)

// reference solves and differentiates problems from other projects' tests,
// with the derivatives they expect, checked in closed form.
func (s suite) reference(t *testing.T) {
	list := readCases(t)
	for _, c := range list {
		t.Run(c.ID, func(t *testing.T) { s.referenceCase(t, c, qp.Dense) })
		if norm(flat(c.Q)) == 0 {
			t.Run(c.ID+"/Q=Zero", func(t *testing.T) { s.referenceCase(t, c, qp.Zero) })
		}
	}
}

// refCase is min ½zᵀQz + qᵀz, Gz ≤ h, Az = b with the loss wᵀz + wlᵀλ + wnᵀν.
type refCase struct {
	ID         string
	Q, G, A    [][]float64
	P          []float64 `json:"q"`
	H, B       []float64
	W, WL, WN  []float64
	Z, Lam, Nu []float64
	DQ         [][]float64 `json:"dL_dQ"`
	DP         []float64   `json:"dL_dq"`
	DG         [][]float64 `json:"dL_dG"`
	DH         []float64   `json:"dL_dh"`
	DA         [][]float64 `json:"dL_dA"`
	DB         []float64   `json:"dL_db"`
}

// readCases looks for the data beside the repository, above the test's folder.
func readCases(t *testing.T) []refCase {
	t.Helper()
	name := filepath.Join("shared", "data", "derivatives", "qp_gradients.json.gz")
	dir := ".."
	for range 5 {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			dir = filepath.Join(dir, "..")
			continue
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		must(t, err)
		var list []refCase
		must(t, json.NewDecoder(z).Decode(&list))
		if len(list) == 0 {
			t.Fatalf("no case in %s", name)
		}
		return list
	}
	t.Skipf("reference derivatives are absent: no %s beside the repository", filepath.ToSlash(name))
	return nil
}

func flat(m [][]float64) []float64 {
	var x []float64
	for _, row := range m {
		x = append(x, row...)
	}
	return x
}

func (s suite) referenceCase(t *testing.T, c refCase, form qp.QForm) {
	sh := qp.Shape{N: len(c.P), NEq: len(c.B), NIneq: len(c.H), Q: form}
	b := &qp.Batch{Size: 1, Data: qp.Data{Q: flat(c.Q), P: c.P, A: flat(c.A), B: c.B, G: flat(c.G), H: c.H}}
	want := &qp.Data{Q: flat(c.DQ), P: c.DP, A: flat(c.DA), B: c.DB, G: flat(c.DG), H: c.DH}
	if form == qp.Zero {
		b.Q, want.Q = nil, nil
	}
	const tol = 1e-7
	x := s.solved(t, sh, qp.Options{}, b)
	check(t, sh, b, x, eps)
	relative := func(name string, got, want []float64) {
		t.Helper()
		agree(t, name, got, want, tol*max(1, norm(want)))
	}
	x = s.solved(t, sh, exact(), b)
	relative("Z", x.Z, c.Z)
	relative("Lambda", x.Lambda, c.Lam)
	relative("Nu", x.Nu, c.Nu)

	g := vjp(t, s.solved(t, sh, qp.Options{}, b), &qp.Point{Z: c.W, Lambda: c.WL, Nu: c.WN})
	for _, o := range coefs {
		if len(*o.of(want)) > 0 {
			relative("d"+o.name, *o.of(&g.Data), *o.of(want))
		}
	}
	symmetric(t, sh, g.Q)
	if cert := g.Certs[0]; cert.Zeroed || math.IsNaN(cert.Error) {
		t.Errorf("certificate %+v", cert)
	}
}
