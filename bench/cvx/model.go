package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/optnet-go/optnet/cvx"
)

// description is one model of models.json. An expression is a name, a number, or
// a list of a function's name and its arguments.
type description struct {
	Name        string `json:"name"`
	Vars        []leaf `json:"vars"`
	Params      []leaf `json:"params"`
	Objective   any    `json:"objective"`
	Constraints []any  `json:"constraints"`
	Maximize    bool   `json:"maximize"`
	GP          bool   `json:"gp"`
	Timed       bool   `json:"timed"`
}

type leaf struct {
	Name      string `json:"name"`
	Dims      []int  `json:"dims"`
	Nonneg    bool   `json:"nonneg"`
	PSD       bool   `json:"psd"`
	Symmetric bool   `json:"symmetric"`
	Draw      any    `json:"draw"`   // how values of a parameter are drawn
	Shared    bool   `json:"shared"` // one value for the batch
}

func readModels(name string) (map[string]*description, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var list []*description
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	models := map[string]*description{}
	for _, d := range list {
		models[d.Name] = d
	}
	return models, nil
}

// build makes the model.
func (d *description) build() (m *cvx.Model, err error) {
	defer func() { // a description that does not fit the functions below
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("model %s: %v", d.Name, r)
		}
	}()
	m = cvx.NewModel()
	if d.GP {
		m = cvx.NewGP()
	}
	names := map[string]*cvx.Expr{}
	for _, v := range d.Vars {
		names[v.Name] = v.attributes(m.Var(v.Name, v.Dims...))
	}
	for _, p := range d.Params {
		e := p.attributes(m.Param(p.Name, p.Dims...))
		if d.GP {
			e = e.Positive()
		}
		names[p.Name] = e
	}
	if d.Maximize {
		m.Maximize(expression(names, d.Objective))
	} else {
		m.Minimize(expression(names, d.Objective))
	}
	for _, c := range d.Constraints {
		m.SubjectTo(constraint(names, c.([]any)))
	}
	return m, nil
}

func (l *leaf) attributes(e *cvx.Expr) *cvx.Expr {
	if l.Nonneg {
		e = e.NonNeg()
	}
	if l.Symmetric {
		e = e.Symmetric()
	}
	if l.PSD {
		e = e.PSD()
	}
	return e
}

type exprs = []*cvx.Expr

// functions of expressions alone.
var functions = map[string]func(x exprs) *cvx.Expr{
	"Add":          func(x exprs) *cvx.Expr { return cvx.Add(x[0], x[1], x[2:]...) },
	"Conv":         func(x exprs) *cvx.Expr { return cvx.Conv(x[0], x[1]) },
	"CumSum":       func(x exprs) *cvx.Expr { return cvx.CumSum(x[0]) },
	"Diag":         func(x exprs) *cvx.Expr { return cvx.Diag(x[0]) },
	"Diff":         func(x exprs) *cvx.Expr { return cvx.Diff(x[0]) },
	"Div":          func(x exprs) *cvx.Expr { return cvx.Div(x[0], x[1]) },
	"Dot":          func(x exprs) *cvx.Expr { return cvx.Dot(x[0], x[1]) },
	"Abs":          func(x exprs) *cvx.Expr { return cvx.Abs(x[0]) },
	"Entr":         func(x exprs) *cvx.Expr { return cvx.Entr(x[0]) },
	"Exp":          func(x exprs) *cvx.Expr { return cvx.Exp(x[0]) },
	"GeoMean":      func(x exprs) *cvx.Expr { return cvx.GeoMean(x[0]) },
	"HarmonicMean": func(x exprs) *cvx.Expr { return cvx.HarmonicMean(x[0]) },
	"InvPos":       func(x exprs) *cvx.Expr { return cvx.InvPos(x[0]) },
	"KLDiv":        func(x exprs) *cvx.Expr { return cvx.KLDiv(x[0], x[1]) },
	"Kron":         func(x exprs) *cvx.Expr { return cvx.Kron(x[0], x[1]) },
	"LambdaMax":    func(x exprs) *cvx.Expr { return cvx.LambdaMax(x[0]) },
	"Log":          func(x exprs) *cvx.Expr { return cvx.Log(x[0]) },
	"LogDet":       func(x exprs) *cvx.Expr { return cvx.LogDet(x[0]) },
	"LogSumExp":    func(x exprs) *cvx.Expr { return cvx.LogSumExp(x[0]) },
	"Logistic":     func(x exprs) *cvx.Expr { return cvx.Logistic(x[0]) },
	"MatrixFrac":   func(x exprs) *cvx.Expr { return cvx.MatrixFrac(x[0], x[1]) },
	"Max":          func(x exprs) *cvx.Expr { return cvx.Max(x[0]) },
	"Maximum":      func(x exprs) *cvx.Expr { return cvx.Maximum(x[0], x[1], x[2:]...) },
	"Mul":          func(x exprs) *cvx.Expr { return cvx.Mul(x[0], x[1]) },
	"Neg":          func(x exprs) *cvx.Expr { return cvx.Neg(x[0]) },
	"Norm1":        func(x exprs) *cvx.Expr { return cvx.Norm1(x[0]) },
	"Norm2":        func(x exprs) *cvx.Expr { return cvx.Norm2(x[0]) },
	"NormInf":      func(x exprs) *cvx.Expr { return cvx.NormInf(x[0]) },
	"NormNuc":      func(x exprs) *cvx.Expr { return cvx.NormNuc(x[0]) },
	"Norms2":       func(x exprs) *cvx.Expr { return cvx.Norms2(x[0]) },
	"QuadForm":     func(x exprs) *cvx.Expr { return cvx.QuadForm(x[0], x[1]) },
	"QuadOverLin":  func(x exprs) *cvx.Expr { return cvx.QuadOverLin(x[0], x[1]) },
	"RelEntr":      func(x exprs) *cvx.Expr { return cvx.RelEntr(x[0], x[1]) },
	"SigmaMax":     func(x exprs) *cvx.Expr { return cvx.SigmaMax(x[0]) },
	"Sqrt":         func(x exprs) *cvx.Expr { return cvx.Sqrt(x[0]) },
	"Square":       func(x exprs) *cvx.Expr { return cvx.Square(x[0]) },
	"Sub":          func(x exprs) *cvx.Expr { return cvx.Sub(x[0], x[1]) },
	"Sum":          func(x exprs) *cvx.Expr { return cvx.Sum(x[0]) },
	"SumCols":      func(x exprs) *cvx.Expr { return cvx.SumCols(x[0]) },
	"SumRows":      func(x exprs) *cvx.Expr { return cvx.SumRows(x[0]) },
	"SumSquares":   func(x exprs) *cvx.Expr { return cvx.SumSquares(x[0]) },
	"T":            func(x exprs) *cvx.Expr { return x[0].T() },
	"TV":           func(x exprs) *cvx.Expr { return cvx.TV(x[0]) },
	"Times":        func(x exprs) *cvx.Expr { return cvx.Times(x[0], x[1]) },
	"Trace":        func(x exprs) *cvx.Expr { return cvx.Trace(x[0]) },
	"VStack":       func(x exprs) *cvx.Expr { return cvx.VStack(x...) },
	"Vec":          func(x exprs) *cvx.Expr { return cvx.Vec(x[0]) },
}

// withNumbers are functions of one expression and numbers.
var withNumbers = map[string]func(x *cvx.Expr, a []float64) *cvx.Expr{
	"At":         func(x *cvx.Expr, a []float64) *cvx.Expr { return x.At(int(a[0])) },
	"CVaR":       func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.CVaR(x, a[0]) },
	"Huber":      func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.Huber(x, a[0]) },
	"PNorm":      func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.PNorm(x, a[0]) },
	"Power":      func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.Power(x, a[0]) },
	"Reshape":    func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.Reshape(x, int(a[0]), int(a[1])) },
	"Row":        func(x *cvx.Expr, a []float64) *cvx.Expr { return x.Row(int(a[0])) },
	"Rows":       func(x *cvx.Expr, a []float64) *cvx.Expr { return x.Rows(int(a[0]), int(a[1])) },
	"SumLargest": func(x *cvx.Expr, a []float64) *cvx.Expr { return cvx.SumLargest(x, int(a[0])) },
}

func expression(names map[string]*cvx.Expr, x any) *cvx.Expr {
	switch x := x.(type) {
	case float64:
		return cvx.Const(x)
	case string:
		if e := names[x]; e != nil {
			return e
		}
		panic(fmt.Sprintf("no variable or parameter is called %s", x))
	case []any:
		name, args := x[0].(string), x[1:]
		if name == "Const" {
			return cvx.Const(numbers(args[0]))
		}
		if f := withNumbers[name]; f != nil {
			var a []float64
			for _, v := range args[1:] {
				a = append(a, v.(float64))
			}
			return f(expression(names, args[0]), a)
		}
		if f := functions[name]; f != nil {
			var a exprs
			for _, v := range args {
				a = append(a, expression(names, v))
			}
			return f(a)
		}
		panic(fmt.Sprintf("no function is called %s", name))
	}
	panic(fmt.Sprintf("%v is no expression", x))
}

// numbers turns a list, or a list of rows, into what Const takes.
func numbers(x any) any {
	list := x.([]any)
	if _, ok := list[0].(float64); ok {
		v := make([]float64, len(list))
		for i := range list {
			v[i] = list[i].(float64)
		}
		return v
	}
	rows := make([][]float64, len(list))
	for i := range list {
		rows[i] = numbers(list[i]).([]float64)
	}
	return rows
}

func constraint(names map[string]*cvx.Expr, c []any) *cvx.Constraint {
	var a exprs
	for _, x := range c[1:] {
		a = append(a, expression(names, x))
	}
	switch c[0] {
	case "Eq":
		return cvx.Eq(a[0], a[1])
	case "Leq":
		return cvx.Leq(a[0], a[1])
	case "Geq":
		return cvx.Geq(a[0], a[1])
	case "SOC":
		return cvx.SOC(a[0], a[1])
	case "PSD":
		return cvx.PSD(a[0])
	case "ExpCone":
		return cvx.ExpCone(a[0], a[1], a[2])
	case "PowCone":
		return cvx.PowCone(a[0], a[1], a[2], c[4].(float64))
	}
	panic(fmt.Sprintf("no constraint is called %v", c[0]))
}

// list names all models.
func list(models map[string]*description) string {
	var names []string
	for name := range models {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
