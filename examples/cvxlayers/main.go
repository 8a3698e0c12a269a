// Cvxlayers trains the example models of "Differentiable convex optimization
// layers" (Agrawal, Amos, Barratt, Boyd, Diamond, Kolter, 2019) on the same random
// numbers, and prints the published figures beside those reached here.
//
//	go run ./examples/cvxlayers            all of them
//	go run ./examples/cvxlayers relu mpc   some
package main

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"log"
	"math"
	"os"
	"slices"
	"time"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
)

// An experiment trains a model and prints a table.
type experiment struct {
	name, what string
	run        func(ctx context.Context, d data) error
}

var experiments = []experiment{
	{"relu", "two layers of ReLU as projections, 25 steps of Adam", relu},
	{"monotone", "regression on nondecreasing outputs", monotone},
	{"resource", "learning the utilities of an allocation", resource},
	{"mpc", "learning the weights of a constrained controller", mpc},
	{"adp", "approximate dynamic programming by a policy that is a convex program", adp},
	{"denoise", "signals from correlated noise, by a learned metric", denoise},
	{"vix", "a trading policy for each regime of volatility, tuned through simulations", vix},
	{"poison", "the attack on the training data of a logistic regression", poison},
}

func main() {
	d, err := read()
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range experiments {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], e.name) {
			continue
		}
		fmt.Printf("%s: %s\n", e.name, e.what)
		start := time.Now()
		if err := e.run(context.Background(), d); err != nil {
			log.Fatalf("%s: %v", e.name, err)
		}
		fmt.Printf("    %.2f s\n", time.Since(start).Seconds())
	}
}

//go:embed data.npz
var archive []byte

// data are the arrays that data.py has drawn.
type data struct{ *npz.Reader }

func read() (data, error) {
	r, err := npz.NewReader(bytes.NewReader(archive), int64(len(archive)))
	return data{r}, err
}

// compile makes a layer of a model.
func compile(m *cvx.Model, params, vars []string) (*layer.Layer, error) {
	prog, err := m.Compile()
	if err != nil {
		return nil, err
	}
	l, err := layer.New(prog, params, vars, nil)
	if err != nil || l.Form() != layer.Dense {
		return l, err
	}
	// The default of 1e-8 is for data of size one; some layers here start at 1e-3.
	return l.With(&layer.Options{EpsAbs: 1e-12, EpsRel: 1e-12})
}

// solve is a forward pass in which every element must have a point that can be
// differentiated: solved, or nearly.
func solve(ctx context.Context, l *layer.Layer, p *layer.Pass, values ...[]float64) error {
	if err := l.Forward(ctx, p, values...); err != nil {
		return err
	}
	for i := range p.Info {
		if s := p.Info[i].Status; s != qp.Solved && s != qp.AlmostSolved {
			return p.Err()
		}
	}
	return nil
}

// adam is the optimizer of Kingma and Ba.
type adam struct {
	rate float64
	t    int
	m, v []float64
}

func (a *adam) step(x, g []float64) {
	const b1, b2, eps = 0.9, 0.999, 1e-8
	if a.m == nil {
		a.m, a.v = make([]float64, len(x)), make([]float64, len(x))
	}
	a.t++
	c1, c2 := 1-math.Pow(b1, float64(a.t)), 1-math.Pow(b2, float64(a.t))
	for i := range x {
		a.m[i] = b1*a.m[i] + (1-b1)*g[i]
		a.v[i] = b2*a.v[i] + (1-b2)*g[i]*g[i]
		x[i] -= a.rate * a.m[i] / c1 / (math.Sqrt(a.v[i]/c2) + eps)
	}
}

// meanSquare is the mean of the squared differences, and its gradient.
func meanSquare(x, y []float64) (loss float64, grad []float64) {
	grad = make([]float64, len(x))
	for i := range x {
		d := x[i] - y[i]
		loss += d * d / float64(len(x))
		grad[i] = 2 * d / float64(len(x))
	}
	return loss, grad
}

// matmul is the product of an m×k and a k×n matrix.
func matmul(a []float64, m, k int, b []float64, n int) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for l := range k {
			for j := range n {
				c[i*n+j] += a[i*k+l] * b[l*n+j]
			}
		}
	}
	return c
}

func transpose(a []float64, m, n int) []float64 {
	t := make([]float64, m*n)
	for i := range m {
		for j := range n {
			t[j*m+i] = a[i*n+j]
		}
	}
	return t
}

// rows picks rows of a matrix with n columns.
func rows(a []float64, n int, idx []int) []float64 {
	var b []float64
	for _, i := range idx {
		b = append(b, a[i*n:(i+1)*n]...)
	}
	return b
}
