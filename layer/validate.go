package layer

import (
	"fmt"
	"math"

	"github.com/optnet-go/optnet/cvx"
)

// asymmetryTol and indefiniteTol are those of package qp.
const (
	asymmetryTol  = 1e-10
	indefiniteTol = 1e-14
)

// validate holds the parameters against their declarations, and notes in p.bad
// why an element is refused.
func (l *Layer) validate(p *Pass) {
	if cap(p.bad) < p.size {
		p.bad = make([]string, p.size)
	}
	p.bad = p.bad[:p.size]
	clear(p.bad)
	for i := range l.info {
		k := l.params[i]
		n := p.size
		if p.shared[k] {
			n = min(1, n)
		}
		for e := range n {
			why := p.judge(&l.info[i], p.value(k, e))
			switch {
			case why == "":
			case p.shared[k]:
				for j := range p.bad {
					p.refuse(j, l.info[i].Name+": "+why)
				}
			default:
				p.refuse(e, fmt.Sprintf("%s of element %d: %s", l.info[i].Name, e, why))
			}
		}
	}
}

func (p *Pass) refuse(i int, why string) {
	if p.bad[i] == "" {
		p.bad[i] = "parameter " + why
	}
}

// judge says what is wrong with a value.
func (p *Pass) judge(a *cvx.Param, v []float64) string {
	nonneg := a.Sign == cvx.NonNegative || a.Sign == cvx.ZeroSign
	nonpos := a.Sign == cvx.NonPositive || a.Sign == cvx.ZeroSign
	largest := 0.0
	for i, x := range v {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Sprintf("entry %d is %v, want a finite number", i, x)
		case a.Positive && x <= 0:
			return fmt.Sprintf("entry %d is %g, and the parameter is declared positive", i, x)
		case nonneg && x < 0:
			return fmt.Sprintf("entry %d is %g, and the parameter is declared nonnegative", i, x)
		case nonpos && x > 0:
			return fmt.Sprintf("entry %d is %g, and the parameter is declared nonpositive", i, x)
		}
		largest = math.Max(largest, math.Abs(x))
	}
	n := a.Rows
	if a.Symmetric {
		for i := range n {
			for j := range i {
				if d := math.Abs(v[i*n+j] - v[j*n+i]); d > asymmetryTol*largest {
					return fmt.Sprintf("entries (%d, %d) and (%d, %d) differ by %.3g, and the parameter is declared symmetric", j, i, i, j, d)
				}
			}
		}
	}
	if a.PSD {
		if a.Diagonal {
			for i, x := range v {
				if x < 0 {
					return fmt.Sprintf("diagonal entry %d is %g, and the parameter is declared positive semidefinite", i, x)
				}
			}
		} else if !p.semidefinite(v, n, largest) {
			return "the matrix has a negative eigenvalue (V + n·1e-14·‖V‖·I has no Cholesky factor), and the parameter is declared positive semidefinite"
		}
	}
	return ""
}

// semidefinite tries a Cholesky factorization, as package qp does.
func (p *Pass) semidefinite(v []float64, n int, largest float64) bool {
	l := grow(p.chol, n*n)
	p.chol = l
	copy(l, v)
	shift := float64(n) * indefiniteTol * largest
	for j := range n {
		rj := l[j*n : j*n+j]
		d := l[j*n+j] + shift
		for _, x := range rj {
			d -= x * x
		}
		if d < 0 {
			return false
		}
		d = math.Sqrt(d)
		l[j*n+j] = d
		for i := j + 1; i < n; i++ {
			s := l[i*n+j]
			for k, x := range rj {
				s -= x * l[i*n+k]
			}
			if d > 0 {
				s /= d
			} else {
				s = 0
			}
			l[i*n+j] = s
		}
	}
	return true
}
