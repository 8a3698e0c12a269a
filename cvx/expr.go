package cvx

import (
	"fmt"
	"math"
	"strings"
)

// Expr is an expression: a variable, a parameter, a constant, or an atom applied
// to expressions. Expressions are made by functions and never change, except
// that a variable or parameter is given its attributes after it is made.
type Expr struct {
	rows, cols int
	atom       atom // nil for a leaf
	args       []*Expr
	leaf       *leaf
	name       string   // by Named, or of the leaf
	bad        *Problem // what was wrong when it was made
}

// kind of a leaf.
type kind uint8

const (
	variable kind = iota
	parameter
	constant
)

// form of the matrix that a leaf is.
type form uint8

const (
	full form = iota
	symmetric
	diagonal
)

// leaf is what a variable, parameter or constant has beside its size.
type leaf struct {
	kind   kind
	model  *Model
	index  int // among the model's variables or parameters
	sign   Sign
	form   form
	psd    bool
	pos    bool      // strictly positive: GP
	lo, hi []float64 // bounds of a variable, nil: none
	value  *matrix   // of a constant
}

// size is the number of values that stand for the leaf in arrays.
func (e *Expr) size() int {
	if e.leaf != nil && e.leaf.form == diagonal {
		return e.rows
	}
	return e.rows * e.cols
}

// Dims returns the numbers of rows and columns.
func (e *Expr) Dims() (rows, cols int) { return e.rows, e.cols }

// Len is the number of entries.
func (e *Expr) Len() int {
	if e.cols > 0 && e.rows > math.MaxInt/e.cols {
		return math.MaxInt // no such expression is compiled
	}
	return e.rows * e.cols
}

// Named gives the expression a name, which messages use. It returns a new
// expression with the same meaning.
func (e *Expr) Named(name string) *Expr {
	f := *e
	if e.leaf != nil && e.leaf.kind != constant {
		return e.spoiled(problem("Named", "%s has a name already: it is a %s", e.name, e.leaf.kind))
	}
	f.name = name
	return &f
}

func (k kind) String() string { return [...]string{"variable", "parameter", "constant"}[k] }

func (e *Expr) scalar() bool { return e.rows == 1 && e.cols == 1 }
func (e *Expr) vector() bool { return e.rows == 1 || e.cols == 1 }
func (e *Expr) square() bool { return e.rows == e.cols }

// spoiled returns a copy of e that carries p.
func (e *Expr) spoiled(p *Problem) *Expr {
	f := *e
	if f.bad == nil {
		f.bad = p
		p.Expr = f.String()
	}
	return &f
}

// dims is how messages write a size.
func dims(rows, cols int) string { return fmt.Sprintf("%d×%d", rows, cols) }

func (e *Expr) dims() string { return dims(e.rows, e.cols) }

// maxText bounds how much of an expression a message shows.
const maxText = 120

// String returns the expression as it is written, names in place of what has one;
// a long one is shortened in the middle.
func (e *Expr) String() string {
	var b strings.Builder
	e.write(&b, true)
	s := b.String()
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText*2/3]) + " … " + string(r[len(r)-maxText/3:])
	}
	return s
}

func (e *Expr) write(b *strings.Builder, top bool) {
	switch {
	case b.Len() > 8*maxText:
		b.WriteString("…")
	case e.name != "" && (!top || e.leaf != nil):
		b.WriteString(e.name)
	case e.leaf != nil:
		b.WriteString(e.leaf.value.String())
	default:
		label, extra := e.atom.label()
		b.WriteString(label)
		b.WriteByte('(')
		for i, a := range e.args {
			if i > 0 {
				b.WriteString(", ")
			}
			a.write(b, false)
		}
		if extra != "" {
			b.WriteString(", ")
			b.WriteString(extra)
		}
		b.WriteByte(')')
	}
}

// attribute sets something about a leaf.
func (e *Expr) attribute(what string, set func(l *leaf) string) *Expr {
	if e.leaf == nil || e.leaf.kind == constant {
		return e.spoiled(problem(what, "%s is an attribute of variables and parameters; this is neither", what))
	}
	if msg := set(e.leaf); msg != "" {
		return e.attributeError(what, msg)
	}
	return e
}

func (e *Expr) attributeError(what, msg string) *Expr {
	p := problem(what, "%s", msg)
	p.Expr = e.name
	e.leaf.model.report(p)
	return e
}

// NonNeg declares all entries of a variable or parameter to be ≥ 0.
func (e *Expr) NonNeg() *Expr {
	return e.attribute("NonNeg", func(l *leaf) string { l.sign = signOf(true, l.sign.nonpos()); return "" })
}

// NonPos declares all entries to be ≤ 0.
func (e *Expr) NonPos() *Expr {
	return e.attribute("NonPos", func(l *leaf) string { l.sign = signOf(l.sign.nonneg(), true); return "" })
}

// Positive declares all entries to be > 0, which log-log convex programs need of
// every parameter. In other programs it is NonNeg.
func (e *Expr) Positive() *Expr {
	return e.attribute("Positive", func(l *leaf) string {
		l.sign, l.pos = signOf(true, l.sign.nonpos()), true
		return ""
	})
}

// Symmetric declares a square matrix to be symmetric.
func (e *Expr) Symmetric() *Expr { return e.matrixAttribute("Symmetric", symmetric, false) }

// PSD declares a square matrix to be symmetric positive semidefinite.
func (e *Expr) PSD() *Expr { return e.matrixAttribute("PSD", symmetric, true) }

// Diagonal declares a square matrix to be diagonal. In arrays its n diagonal
// entries stand for it.
func (e *Expr) Diagonal() *Expr { return e.matrixAttribute("Diagonal", diagonal, false) }

func (e *Expr) matrixAttribute(what string, f form, psd bool) *Expr {
	return e.attribute(what, func(l *leaf) string {
		if !e.square() {
			return fmt.Sprintf("%s is %s, and only a square matrix can be %s", e.name, e.dims(), what)
		}
		if f == diagonal && (l.lo != nil || l.hi != nil) {
			return boundsOfDiagonal
		}
		l.form = max(l.form, f)
		l.psd = l.psd || psd
		return ""
	})
}

const boundsOfDiagonal = "bounds of a Diagonal variable: bound Diag of it in a constraint"

// Bounds confines the entries of a variable: lo ≤ x ≤ hi, each a number
// (float64 or int), a value for every entry ([]float64), or nil for none. ±Inf is
// allowed. A second call replaces both bounds of the first.
func (e *Expr) Bounds(lo, hi any) *Expr {
	return e.attribute("Bounds", func(l *leaf) string {
		if l.kind != variable {
			return "only a variable has bounds; the signs of a parameter are NonNeg and NonPos"
		}
		if l.form == diagonal {
			return boundsOfDiagonal
		}
		var msg string
		if l.lo, msg = e.bound(lo, math.Inf(-1)); msg != "" {
			return msg
		}
		if l.hi, msg = e.bound(hi, math.Inf(1)); msg != "" {
			return msg
		}
		for i := range l.lo {
			if l.hi != nil && l.lo[i] > l.hi[i] {
				return fmt.Sprintf("entry %d has the lower bound %g above its upper bound %g", i, l.lo[i], l.hi[i])
			}
		}
		return ""
	})
}

func (e *Expr) bound(x any, none float64) ([]float64, string) {
	const most = 1 << 28
	if x != nil && e.Len() > most {
		return nil, fmt.Sprintf("%s has %d entries, and bounds are for at most 2²⁸", e.name, e.Len())
	}
	var v []float64
	switch x := x.(type) {
	case nil:
		return nil, ""
	case int:
		v = fill(e.Len(), float64(x))
	case float64:
		v = fill(e.Len(), x)
	case []float64:
		if len(x) != e.Len() {
			return nil, fmt.Sprintf("%s has %d entries and got %d bounds", e.name, e.Len(), len(x))
		}
		v = append(v, x...)
	default:
		return nil, fmt.Sprintf("a bound is a float64, an int, a []float64 or nil, and not a %T", x)
	}
	for _, b := range v {
		if math.IsNaN(b) || math.IsInf(b, 0) && b != none {
			return nil, fmt.Sprintf("%v is no bound on this side", b)
		}
	}
	return v, ""
}

func fill(n int, x float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = x
	}
	return v
}
