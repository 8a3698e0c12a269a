package mps

import (
	"context"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
)

// smallProblems are solvable ones: sample, turned round too, and real files.
func smallProblems(t *testing.T) map[string]*Problem {
	all := make(map[string]*Problem)
	feasible := strings.Replace(sample, "ROW 4             2.0", "ROW 4            -9.0", 1)
	for name, text := range map[string]string{
		"sample":   strings.Replace(feasible, "2.0   COL 2             0.5", "2.0", 1), // without it Q is positive semidefinite
		"maximize": "NAME m\nOBJSENSE MAX\nROWS\n N f\n L r\n G s\nCOLUMNS\n x f 3 r 1\n y f 2 r 1\n y s 1\nRHS\n o r 4\n o f -10\n o s 1\nQUADOBJ\n x x -2\n y y -1\nENDATA\n",
	} {
		p, err := Read(strings.NewReader(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = p
	}
	for _, name := range []string{"HS118", "HS35", "LOTSCHD", "ZECEVIC2", "DUALC2", "QPCBLEND"} {
		dir := "../../../shared/data/maros/open/"
		if _, err := os.Stat(dir); err != nil {
			continue
		}
		p, err := ReadFile(dir + name + ".QPS")
		if err != nil {
			t.Fatal(err)
		}
		all[name] = p
	}
	return all
}

// TestConvert solves as a QP, brings the answer back, and measures it; then holds
// the cone program against the same answer.
func TestConvert(t *testing.T) {
	for name, p := range smallProblems(t) {
		dense, to, err := p.QP()
		if err != nil {
			t.Fatal(err)
		}
		x, err := qp.Solve(context.Background(), dense)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		answer := to.FromQP(&x.Point, 0)
		r := p.Measure(answer)
		if !r.Within(2e-8, 2e-8) {
			t.Errorf("%s: %+v", name, r)
		}
		if got := p.ObjectiveOf(x.Value[0]); math.Abs(got-r.Objective) > 1e-9*(1+math.Abs(got)) {
			t.Errorf("%s: objective %v, measured %v", name, got, r.Objective)
		}

		cone, to := p.Cone()
		m := cone.A.Rows
		z, s := make([]float64, m), append([]float64(nil), cone.B...)
		split := func(from []at, y []float64) {
			for i, r := range from {
				switch {
				case r.equal:
					z[r.lower] = y[i]
				case y[i] > 0 && r.upper >= 0:
					z[r.upper] = y[i]
				case y[i] < 0 && r.lower >= 0:
					z[r.lower] = -y[i]
				}
			}
		}
		split(to.rows, answer.Rows)
		split(to.cols, answer.Cols)
		grad := append([]float64(nil), cone.Q...)
		scale := 1.0
		for j := range grad {
			for k := cone.A.ColPtr[j]; k < cone.A.ColPtr[j+1]; k++ {
				i, v := cone.A.RowIdx[k], cone.A.Val[k]
				grad[j] += v * z[i]
				scale = max(scale, math.Abs(v*z[i]))
				s[i] -= v * answer.X[j]
			}
			if cone.P == nil {
				continue
			}
			for k := cone.P.ColPtr[j]; k < cone.P.ColPtr[j+1]; k++ {
				i, v := cone.P.RowIdx[k], cone.P.Val[k]
				grad[j] += v * answer.X[i]
				if i != j {
					grad[i] += v * answer.X[j]
				}
			}
		}
		for j, v := range grad {
			if math.Abs(v) > 1e-6*scale {
				t.Errorf("%s: stationarity of %s is %v", name, p.Cols[j], v)
			}
		}
		row := 0
		for _, c := range cone.Cones {
			for range c.Dim() {
				if s[row] < -1e-6*scale || c.Kind == conic.Zero && s[row] > 1e-6*scale {
					t.Errorf("%s: slack %v in row %d", name, s[row], row)
				}
				row++
			}
		}
		if row != m || cone.A.Check() != nil {
			t.Errorf("%s: %d rows in cones, want %d; %v", name, row, m, cone.A.Check())
		}
		back := to.FromCone(answer.X, z)
		for i, y := range back.Rows {
			if math.Abs(y-answer.Rows[i]) > 1e-6*scale {
				t.Errorf("%s: multiplier of %s is %v, want %v", name, p.Rows[i], y, answer.Rows[i])
			}
		}
	}
}

// TestProofs measures proofs of infeasibility and unboundedness.
func TestProofs(t *testing.T) {
	infeasible := "NAME\nROWS\n N f\n L r\n G s\nCOLUMNS\n x f 1 r 1\n x s 1\nRHS\n o r 1 s 3\nENDATA\n"
	p, err := Read(strings.NewReader(infeasible), nil)
	if err != nil {
		t.Fatal(err)
	}
	dense, to, _ := p.QP()
	x, _ := qp.Solve(context.Background(), dense)
	if x.Info[0].Status != qp.PrimalInfeasible {
		t.Fatal(x.Info[0])
	}
	if sum, left, bound := p.Infeasibility(to.FromQP(&x.Rays, 0)); !(sum < 0) || left > bound {
		t.Errorf("sum %v, left %v of %v", sum, left, bound)
	}
	if sum, left, bound := p.Infeasibility(&Point{Rows: []float64{1, 0}, Cols: []float64{0}}); sum < 0 && left <= bound {
		t.Error("a wrong proof passes")
	}
	unbounded := "NAME\nOBJSENSE MAX\nROWS\n N f\n L r\nCOLUMNS\n x f 1 r -1\nRHS\n o r 1\nENDATA\n"
	if p, err = Read(strings.NewReader(unbounded), nil); err != nil {
		t.Fatal(err)
	}
	dense, to, _ = p.QP()
	x, _ = qp.Solve(context.Background(), dense)
	if x.Info[0].Status != qp.DualInfeasible {
		t.Fatal(x.Info[0])
	}
	if slope, left, bound := p.Recession(to.FromQP(&x.Rays, 0).X); !(slope < 0) || left > bound {
		t.Errorf("slope %v, left %v of %v", slope, left, bound)
	}
	if slope, left, bound := p.Recession([]float64{-1}); slope < 0 && left <= bound {
		t.Error("a wrong direction passes")
	}
}

func TestConvertTooLarge(t *testing.T) {
	n := 20000
	p := &Problem{Cols: make([]string, n)}
	if _, _, err := p.QP(); err == nil || !strings.Contains(err.Error(), "use Cone") {
		t.Errorf("a dense QP of %d columns: %v", n, err)
	}
}
