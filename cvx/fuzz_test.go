package cvx_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// builder makes a model of bytes: a stack machine whose instructions are leaves and
// functions.
type builder struct {
	code  []byte
	stack []*cvx.Expr
	left  int // functions that may still be applied
}

func (b *builder) byte() int {
	if len(b.code) == 0 {
		return 0
	}
	c := b.code[0]
	b.code = b.code[1:]
	return int(c)
}

// int is a small number, negative ones too.
func (b *builder) int() int { return b.byte()%7 - 1 }

func (b *builder) float() float64 {
	switch c := b.byte(); c {
	case 0, 1, 2, 3:
		return [...]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300}[c]
	default:
		return float64(c-128) / 16
	}
}

func (b *builder) pop() *cvx.Expr {
	if len(b.stack) == 0 {
		return cvx.Const(1)
	}
	e := b.stack[len(b.stack)-1]
	b.stack = b.stack[:len(b.stack)-1]
	return e
}

// functions of one, two and three expressions.
var (
	unary = []func(*cvx.Expr) *cvx.Expr{
		cvx.Abs, cvx.CumSum, cvx.Diag, cvx.Diff, cvx.Entr, cvx.Exp, cvx.HarmonicMean, cvx.InvPos, cvx.LambdaMax, cvx.LambdaMin, cvx.Log, cvx.LogDet,
		cvx.LogSumExp, cvx.Logistic, cvx.Max, cvx.Mean, cvx.Min, cvx.Neg, cvx.NegPart, cvx.Norm1, cvx.Norm2, cvx.NormFro, cvx.NormInf, cvx.NormNuc,
		cvx.Norms2, cvx.Pos, cvx.SigmaMax, cvx.Sqrt, cvx.Square, cvx.Sum, cvx.SumCols, cvx.SumRows, cvx.SumSquares, cvx.TV, cvx.Trace, cvx.UpperTri, cvx.Vec,
		(*cvx.Expr).T,
	}
	binary = []func(x, y *cvx.Expr) *cvx.Expr{
		func(x, y *cvx.Expr) *cvx.Expr { return cvx.Add(x, y) }, cvx.Sub, cvx.Mul, cvx.Times, cvx.Dot, cvx.Div, cvx.KLDiv, cvx.RelEntr, cvx.MatrixFrac, cvx.QuadForm, cvx.QuadOverLin,
		cvx.Conv, cvx.Kron,
		func(x, y *cvx.Expr) *cvx.Expr { return cvx.Maximum(x, y) },
		func(x, y *cvx.Expr) *cvx.Expr { return cvx.Minimum(x, y) },
		func(x, y *cvx.Expr) *cvx.Expr { return cvx.HStack(x, y) },
		func(x, y *cvx.Expr) *cvx.Expr { return cvx.VStack(x, y) },
	}
	numbered = []func(b *builder, x *cvx.Expr) *cvx.Expr{
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.CVaR(x, b.float()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.Huber(x, b.float()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.PNorm(x, b.float()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.Power(x, b.float()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.Scale(b.float(), x) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.GeoMean(x, b.float(), b.float(), b.float()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.SumLargest(x, b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.SumSmallest(x, b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return cvx.Reshape(x, b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.At(b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.At(b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Pick(b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Rows(b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Cols(b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Row(b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Slice(b.int(), b.int(), b.int(), b.int()) },
		func(b *builder, x *cvx.Expr) *cvx.Expr { return x.Named("e") },
	}
)

// expression runs one instruction.
func (b *builder) step(leaves []*cvx.Expr) {
	op := b.byte()
	switch {
	case op < 90 || b.left == 0:
		b.stack = append(b.stack, leaves[op%len(leaves)])
		return
	case op < 110:
		b.stack = append(b.stack, cvx.Const(b.float()))
		return
	case op < 170:
		b.stack = append(b.stack, unary[op%len(unary)](b.pop()))
	case op < 220:
		y := b.pop()
		b.stack = append(b.stack, binary[op%len(binary)](b.pop(), y))
	default:
		b.stack = append(b.stack, numbered[op%len(numbered)](b, b.pop()))
	}
	b.left--
	if e := b.stack[len(b.stack)-1]; e.Len() > 40 {
		b.stack[len(b.stack)-1] = cvx.Sum(e)
	}
}

// model makes a model with bounded variables, and returns its objective.
func (b *builder) model() (m *cvx.Model, obj *cvx.Expr, geometric bool) {
	m = cvx.NewModel()
	if geometric = b.byte() > 200; geometric {
		m = cvx.NewGP()
	}
	m.MaxTerms = 1 << 16
	leaves := []*cvx.Expr{
		m.Var("x", 3).Bounds(-2, 3), m.Var("y").NonNeg().Bounds(nil, 2), m.Var("X", 2, 2).Bounds(-3, 2.5), m.Var("S", 2, 2).PSD().Bounds(-4, 4),
		m.Param("p", 3), m.Param("q").NonNeg(), m.Param("P", 3, 3).PSD(), m.Param("D", 2, 2).Diagonal(),
		cvx.Const([]float64{1, -2, 0.5}), cvx.Const([][]float64{{2, 0}, {0, 1}}),
	}
	if geometric {
		leaves = []*cvx.Expr{
			m.Var("x", 3).Bounds(0.1, 3), m.Var("y").Bounds(0.2, 2), m.Var("X", 2, 2).Bounds(0.3, 2.5), m.Var("S").Bounds(1, 4),
			m.Param("p", 3).Positive(), m.Param("q").Positive(), m.Param("P", 3, 3).Positive(), m.Param("D", 2).Positive(),
			cvx.Const([]float64{1, 2, 0.5}), cvx.Const(2),
		}
	}
	b.left = 24
	for len(b.code) > 0 && len(b.stack) < 12 && b.left > 0 {
		b.step(leaves)
	}
	obj = b.pop()
	if b.byte()%2 == 0 {
		obj = cvx.Sum(obj)
	}
	if b.byte()%2 == 0 {
		m.Minimize(obj)
	} else {
		m.Maximize(obj)
	}
	for len(b.stack) > 0 {
		x := b.pop()
		switch b.byte() % 9 {
		case 0, 1:
			m.SubjectTo(cvx.Leq(x, b.pop()))
		case 2:
			m.SubjectTo(cvx.Eq(x, b.pop()).Named("same"))
		case 3:
			m.SubjectTo(cvx.Geq(x, b.pop()))
		case 4:
			m.SubjectTo(cvx.SOC(x, b.pop()))
		case 5:
			m.SubjectTo(cvx.PSD(x))
		case 6:
			m.SubjectTo(cvx.ExpCone(x, b.pop(), b.pop()))
		case 7:
			m.SubjectTo(cvx.PowCone(x, b.pop(), b.pop(), b.float()))
		}
	}
	return m, obj, geometric
}

// FuzzModel builds models of anything. Nothing panics; what an expression says of its
// sign and curvature holds at points; and what is solved has the objective's value.
func FuzzModel(f *testing.F) {
	f.Add([]byte("\x00\x00\x7c\x01\x96\x00\x00"))
	f.Add([]byte("\x00\x00\x04\xb4\x88\x05\x01\x00\x00\x00\x01\x02"))
	f.Add([]byte("\xf0\x01\x00\xaa\x05\x01\x03\x02\x01\x00\x04\x05\x06\x07"))
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 200 {
			return
		}
		b := &builder{code: code}
		m, obj, geometric := b.model()
		_ = m.String()
		if s := obj.Tree(); len(s) > 1<<20 {
			t.Fatalf("a tree of %d bytes", len(s))
		}
		obj.DPP()
		r := rand.New(rand.NewPCG(1, 1))
		if !geometric {
			facts(t, r, obj)
		}
		prog, err := m.Compile()
		var wrong *cvx.ModelError
		var size *cvx.SizeError
		if err != nil {
			if prog != nil || !errors.As(err, &wrong) && !errors.As(err, &size) || strings.Contains(err.Error(), "%!") {
				t.Fatalf("%v, %T: %v", prog, err, err)
			}
			return
		}
		l, err := layer.New(prog, nil, nil, &layer.Options{TimeLimit: 2 * time.Second, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		values := parameters(r)
		if geometric {
			for _, v := range values {
				for i := range v {
					v[i] = 0.2 + math.Abs(v[i])
				}
			}
		}
		var pass layer.Pass
		if err := l.Forward(context.Background(), &pass, values["p"], values["q"], values["P"], values["D"]); err != nil {
			t.Fatal(err)
		}
		var g layer.Gradient
		up := &layer.Outputs{}
		for k, name := range []string{"x", "y", "X", "S"} {
			values[name] = pass.Vars[k]
			up.Vars = append(up.Vars, make([]float64, len(pass.Vars[k])))
			up.Vars[k][0] = 1
		}
		if err := pass.Backward(context.Background(), &g, up); err != nil {
			t.Fatal(err)
		}
		for k := range g.Params {
			for _, v := range g.Params[k] {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("gradient %v, info %+v", g.Params, pass.Info)
				}
			}
		}
		if pass.Info[0].Status.String() != "Solved" {
			return
		}
		y, err := obj.Eval(values)
		if err != nil {
			t.Fatal(err)
		}
		scale := 1.0
		for _, v := range values {
			for _, v := range v {
				scale = max(scale, math.Abs(v))
			}
		}
		if got := pass.Value[0]; !(math.Abs(y[0]-got) <= 1e-3*max(scale, math.Abs(got))) && !math.IsInf(y[0], 0) {
			t.Errorf("%v\nvalue %v, and the objective at the solution is %v; %v", m, got, y[0], values)
		}
	})
}

// parameters are values that obey the declarations.
func parameters(r *rand.Rand) map[string][]float64 {
	v := map[string][]float64{"p": nil, "q": {math.Abs(r.NormFloat64())}, "D": {r.NormFloat64(), r.NormFloat64()}}
	v["P"] = arg{3, 3, definite}.draw(r)
	v["p"] = column(3, all).draw(r)
	return v
}

// facts holds an expression against what it says of itself.
func facts(t *testing.T, r *rand.Rand, e *cvx.Expr) {
	t.Helper()
	point := func() map[string][]float64 {
		return map[string][]float64{"x": column(3, all).draw(r), "y": column(1, positive).draw(r), "X": arg{2, 2, all}.draw(r), "S": arg{2, 2, definite}.draw(r)}
	}
	params := parameters(r)
	for range 3 {
		a, b, mid := point(), point(), map[string][]float64{}
		for k := range a {
			mid[k] = make([]float64, len(a[k]))
			for i := range mid[k] {
				mid[k][i] = (a[k][i] + b[k][i]) / 2
			}
		}
		var y [3][]float64
		for i, at := range []map[string][]float64{a, b, mid} {
			for k, v := range params {
				at[k] = v
			}
			var err error
			if y[i], err = e.Eval(at); err != nil {
				return // a mistake in the expression
			}
		}
		for i, v := range y[2] {
			scale := 1e-9 * (1 + math.Abs(y[0][i]) + math.Abs(y[1][i]) + math.Abs(v))
			gap := (y[0][i]+y[1][i])/2 - v
			if math.IsNaN(gap) || math.IsInf(gap, 0) || scale > 1 {
				continue
			}
			c := e.Curvature()
			if (c == cvx.Convex || c == cvx.Affine || c == cvx.Constant) && gap < -scale || (c == cvx.Concave || c == cvx.Affine || c == cvx.Constant) && gap > scale {
				t.Fatalf("%v is said to be %v: %v and %v at two points, %v between", e, c, y[0][i], y[1][i], v)
			}
			if s := e.Sign(); s == cvx.NonNegative && v < -scale || s == cvx.NonPositive && v > scale {
				t.Fatalf("%v is said to be %v, and is %v", e, s, fmt.Sprint(v))
			}
		}
	}
}
