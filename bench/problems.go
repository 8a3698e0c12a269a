package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/optnet-go/optnet/encoding/npz"
)

// family says how a problem's data are drawn.
type family string

const (
	// optnet is the profile of the OptNet paper: Q = LLᵀ + 1e-3·I with L uniform
	// in [0, 1), p, A, G and z₀ normal, b = Az₀, h = Gz₀ + s₀ with s₀ uniform.
	optnet family = "optnet"
	// sudoku is the layer of the mini-Sudoku experiment in the middle of its
	// training: Q = 0.1·I, 40 equalities that the batch shares, z ≥ 0.
	sudoku family = "sudoku"
	// scqpth is the experiment of SCQPTH (Butler, 2023): Q = LᵀL/2n + 0.01·I with
	// L of 2n rows, half of its entries normal and half zero; rows of G with
	// 15 % normal entries; −u ≤ Gz ≤ v with u and v uniform.
	scqpth family = "scqpth"
)

// problem is one file: Size distinct QPs. A case takes the first few of them.
type problem struct {
	Name   string `json:"name"`
	Family family `json:"family"`
	N      int    `json:"n"`
	M      int    `json:"m"`
	P      int    `json:"p"`
	Size   int    `json:"size"`
}

// problems lists all that is measured. The sizes keep memory and time sane:
// the largest file has 205 MB.
func problems() []problem {
	var all []problem
	for _, c := range [...]struct{ n, size int }{{10, 1024}, {20, 1024}, {50, 1024}, {100, 1024}, {200, 128}, {500, 16}} {
		for _, p := range [...]int{c.n / 2, c.n / 10, 0} {
			size := c.size
			if p != c.n/2 {
				size = min(size, 128) // the other two are measured at one batch size
			}
			all = append(all, problem{fmt.Sprintf("n%d-m%d-p%d", c.n, c.n, p), optnet, c.n, c.n, p, size})
		}
	}
	all = append(all, problem{"sudoku", sudoku, 64, 0, 40, 150})
	for _, n := range [...]int{10, 50, 100, 250, 500} {
		all = append(all, problem{fmt.Sprintf("scqpth-n%d", n), scqpth, n, n, 0, 32})
	}
	return all
}

// writeProblems writes the named problems, all if there are no names, and the
// list of them as problems.json. A file that is there is kept: its name and the
// seed determine it.
func writeProblems(dir string, names []string, seed uint64, log io.Writer) error {
	all := problems()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(p problem) bool { return p.Name == name }) {
			return fmt.Errorf("no problem is named %q", name)
		}
	}
	dir = filepath.Join(dir, fmt.Sprintf("seed%d", seed))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, p := range all {
		name := filepath.Join(dir, p.Name+".npz")
		if len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if err := npz.WriteFile(name, p.draw(seed)); err != nil {
			return err
		}
		fmt.Fprintf(log, "wrote %s: %d QPs, n = %d, m = %d, p = %d\n", p.Name, p.Size, p.N, p.M, p.P)
	}
	list, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "problems.json"), list, 0o666)
}

// draw makes the arrays of a problem: the coefficients by their names in package
// qp, in lower case where that is all they have; a leading dimension of Size
// where they differ from element to element; c, the cotangent of z.
func (p *problem) draw(seed uint64) map[string]*npz.Array {
	arrays := make(map[string]*npz.Array)
	alloc := func(name string, shape ...int) []float64 {
		count := 1
		for _, n := range shape {
			count *= n
		}
		x := make([]float64, count)
		arrays[name] = &npz.Array{Shape: shape, Data: x}
		return x
	}
	n, m, k := p.N, p.M, p.P
	if p.Family == sudoku {
		drawSudoku(p, seed, alloc)
		return arrays
	}
	q, lin, c := alloc("Q", p.Size, n, n), alloc("p", p.Size, n), alloc("c", p.Size, n)
	g, h := alloc("G", p.Size, m, n), alloc("h", p.Size, m)
	var a, b, hl []float64
	if k > 0 {
		a, b = alloc("A", p.Size, k, n), alloc("b", p.Size, k)
	}
	if p.Family == scqpth {
		hl = alloc("hl", p.Size, m)
	}
	// Every element has a generator of its own, so that the first elements do
	// not depend on how many there are.
	each(p.Size, func(i int) {
		e := &element{
			rng: rand.New(rand.NewPCG(seed, uint64(n)<<40|uint64(k)<<20|uint64(i))),
			q:   part(q, n*n, i), p: part(lin, n, i), c: part(c, n, i), g: part(g, m*n, i), h: part(h, m, i),
			a: part(a, k*n, i), b: part(b, k, i), hl: part(hl, m, i),
		}
		if p.Family == scqpth {
			e.drawSCQPTH(n)
		} else {
			e.drawOptnet(n)
		}
		e.normal(e.c)
	})
	return arrays
}

// part is the i-th piece of k numbers; nil of nil.
func part(x []float64, k, i int) []float64 {
	if x == nil {
		return nil
	}
	return x[i*k : (i+1)*k]
}

// each calls f for 0 to size-1, on some goroutines.
func each(size int, f func(i int)) {
	const workers = 4
	var wg sync.WaitGroup
	for w := range min(workers, size) {
		wg.Go(func() {
			for i := w; i < size; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

type element struct {
	rng                     *rand.Rand
	q, p, c, g, h, a, b, hl []float64
}

func (e *element) normal(x []float64) {
	for i := range x {
		x[i] = e.rng.NormFloat64()
	}
}

func dot(x, y []float64) float64 {
	s := 0.0
	for i, v := range x {
		s += v * y[i]
	}
	return s
}

// gram sets q to s·LLᵀ + diag·I, L having n rows.
func gram(q, l []float64, n int, s, diag float64) {
	k := len(l) / n
	for i := range n {
		for j := range i + 1 {
			v := s * dot(l[i*k:(i+1)*k], l[j*k:(j+1)*k])
			q[i*n+j], q[j*n+i] = v, v
		}
		q[i*n+i] += diag
	}
}

func (e *element) drawOptnet(n int) {
	l := make([]float64, n*n)
	for i := range l {
		l[i] = e.rng.Float64()
	}
	gram(e.q, l, n, 1, 1e-3)
	e.normal(e.p)
	e.normal(e.g)
	e.normal(e.a)
	z := make([]float64, n)
	e.normal(z)
	for i := range e.h {
		e.h[i] = dot(part(e.g, n, i), z) + e.rng.Float64()
	}
	for i := range e.b {
		e.b[i] = dot(part(e.a, n, i), z)
	}
}

func (e *element) drawSCQPTH(n int) {
	sparse := func(x []float64, density float64) {
		for i := range x {
			if e.rng.Float64() < density {
				x[i] = e.rng.NormFloat64()
			}
		}
	}
	l := make([]float64, n*2*n)
	sparse(l, 0.5)
	gram(e.q, l, n, 1/float64(2*n), 0.01)
	e.normal(e.p)
	sparse(e.g, 0.15)
	for i := range e.h {
		e.hl[i], e.h[i] = -e.rng.Float64(), e.rng.Float64()
	}
}

func drawSudoku(p *problem, seed uint64, alloc func(name string, shape ...int) []float64) {
	rng := rand.New(rand.NewPCG(seed, 4))
	n, k := p.N, p.P
	q, a, b := alloc("Q", n), alloc("A", k, n), alloc("b", k)
	alloc("l", n)
	lin, c := alloc("p", p.Size, n), alloc("c", p.Size, n)
	for j := range q {
		q[j] = 0.1
	}
	for i := range a {
		a[i] = rng.Float64()
		b[i/n] += a[i] // z = 1 is feasible
	}
	for i := range lin {
		if rng.IntN(16) < 1 { // a given of the board
			lin[i] = -1
		}
	}
	for i := range c {
		c[i] = rng.NormFloat64()
	}
}
