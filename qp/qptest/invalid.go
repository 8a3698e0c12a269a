package qptest

import (
	"fmt"
	"math"

	"github.com/optnet-go/optnet/qp"
)

// invalid says why an element is InvalidInput, or "" if it is not; clear is
// false where rounding, overflow or the choice of a norm may decide.
func (e *element) invalid() (reason string, clear bool) {
	for _, c := range []struct {
		name string
		x    []float64
		inf  int // the sign of an infinity allowed, or 0
	}{
		{"Q", e.Q, 0}, {"P", e.P, 0}, {"A", e.A, 0}, {"B", e.B, 0}, {"G", e.G, 0},
		{"HL", e.HL, -1}, {"H", e.H, 1}, {"L", e.L, -1}, {"U", e.U, 1},
	} {
		for i, v := range c.x {
			if math.IsNaN(v) || math.IsInf(v, 0) && (c.inf == 0 || !math.IsInf(v, c.inf)) {
				return fmt.Sprintf("%s[%d] is %g", c.name, i, v), true
			}
		}
	}
	switch e.sh.Q {
	case qp.Diagonal:
		n, size := float64(e.sh.N), norm(e.Q)
		for i, d := range e.Q {
			if d < -10*n*n*1e-14*size {
				return fmt.Sprintf("Q[%d] is %g", i, d), true
			} else if d < 0 {
				return "", false
			}
		}
	case qp.Dense:
		return e.invalidDense()
	}
	return "", true
}

func (e *element) invalidDense() (reason string, clear bool) {
	n := e.sh.N
	least, most := norm(e.Q), 0.0 // of the norms one may mean
	var asym float64
	for i := range n {
		row := 0.0
		for j := range n {
			row += math.Abs(e.Q[i*n+j])
			asym = max(asym, math.Abs(e.Q[i*n+j]-e.Q[j*n+i]))
		}
		most = max(most, row)
	}
	most = max(most, least*float64(n))
	shift := float64(n) * 1e-14
	tiny := most < 1e-280 || least > 1e280
	switch {
	case tiny:
		return "", least == 0
	case asym > 1e-10*most:
		return fmt.Sprintf("Q is asymmetric by %g", asym), true
	case asym > 1e-10*least:
		return "", false
	case !cholesky(e.Q, n, 10*shift*most+asym*float64(n)):
		return "Q is indefinite", true
	case !cholesky(e.Q, n, shift*least/10):
		return "", false
	}
	return "", true
}

// cholesky says whether Q + shift·I has a factor, by its lower triangle.
func cholesky(q []float64, n int, shift float64) bool {
	l := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			v := q[i*n+j] - dot(l[i*n:i*n+j], l[j*n:j*n+j])
			switch {
			case j < i:
				l[i*n+j] = v / l[j*n+j]
			case v+shift > 0:
				l[i*n+i] = math.Sqrt(v + shift)
			default:
				return false
			}
		}
	}
	return true
}
