package denoise

import (
	"testing"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/lab/labtest"
	"github.com/optnet-go/optnet/gomlx"
)

func TestGradients(t *testing.T) {
	labtest.SkipRace(t)
	data := Generate(1, 6)
	for _, name := range []string{"learn-d", "tuned"} {
		t.Run(name, func(t *testing.T) {
			net := networks[name]
			backend, err := lab.NewBackend("")
			if err != nil {
				t.Fatal(err)
			}
			var qps gomlx.Counter
			n, err := lab.NewNetwork(backend, net.dtype, 3, net.lr, func(v *lab.Vars) lab.Net { return net.build(v, &Config{Config: lab.Config{Tolerance: 1e-13}}, &qps) })
			if err != nil {
				t.Fatal(err)
			}
			x, y := batches{data, net.dtype}.Batch([]int{0, 1, 2, 3, 4, 5})
			labtest.Gradients(t, n, x, y, 1e-5)
			if c := qps.Counts(); c.Unsolved > 0 {
				t.Errorf("%d QPs were not solved", c.Unsolved)
			}
		})
	}
}
