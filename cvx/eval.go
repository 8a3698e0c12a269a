package cvx

import (
	"fmt"
	"slices"
)

// Eval computes the expression from the values of its variables and parameters,
// by name: as many numbers as the leaf has (the diagonal for a Diagonal one), row
// by row. Outside the domain of an atom the value is +Inf where it is convex,
// −Inf where it is concave.
func (e *Expr) Eval(values map[string][]float64) ([]float64, error) {
	x, err := e.eval(values, map[*Expr][]float64{})
	return slices.Clone(x), err // not the entries of a constant, or the caller's
}

func (e *Expr) eval(values map[string][]float64, memo map[*Expr][]float64) ([]float64, error) {
	if x, ok := memo[e]; ok {
		return x, nil
	}
	if e.bad != nil {
		return nil, e.bad
	}
	x, err := e.compute(values, memo)
	if err != nil {
		return nil, err
	}
	memo[e] = x
	return x, nil
}

func (e *Expr) compute(values map[string][]float64, memo map[*Expr][]float64) ([]float64, error) {
	if l := e.leaf; l != nil {
		if l.kind == constant {
			return l.value.values(), nil
		}
		v, ok := values[e.name]
		switch {
		case !ok:
			return nil, fmt.Errorf("cvx: no value for %v %s", l.kind, e.name)
		case len(v) == e.Len() && l.form != diagonal:
			return v, nil
		case len(v) != e.size():
			return nil, fmt.Errorf("cvx: %v %s has %d values, want %d", l.kind, e.name, len(v), e.size())
		}
		x := make([]float64, e.Len())
		for entry, k := range e.positions() {
			if k >= 0 {
				x[entry] = v[k]
			}
		}
		return x, nil
	}
	a := make([][]float64, len(e.args))
	for i, arg := range e.args {
		var err error
		if a[i], err = arg.eval(values, memo); err != nil {
			return nil, err
		}
	}
	return e.atom.value(e, a), nil
}
