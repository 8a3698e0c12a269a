package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/qp"
)

// request is one line of standard input, the same for every program that
// compare.py drives.
type request struct {
	Op      string  `json:"op"`      // "run", or "about"
	File    string  `json:"file"`    // the problems
	Batch   int     `json:"batch"`   // how many of them
	Eps     float64 `json:"eps"`     // of the residual test
	Threads int     `json:"threads"` // 0: all
	Seconds float64 `json:"seconds"` // calls are repeated this long, once at least,
	Reps    int     `json:"reps"`    // or this often, if that takes Enough seconds
	Enough  float64 `json:"enough"`
	Out     string  `json:"out"`   // where answers and gradients go, as npz; nowhere if empty
	Grads   int     `json:"grads"` // of the first so many elements
}

// reply is one line of standard output. Times are medians, in milliseconds.
type reply struct {
	Error    string  `json:"error,omitempty"`
	Version  string  `json:"version,omitempty"`
	Setting  string  `json:"setting,omitempty"`
	Forward  float64 `json:"forward,omitempty"`
	Backward float64 `json:"backward,omitempty"`
	Both     float64 `json:"both,omitempty"` // forward and backward
	Calls    int     `json:"calls,omitempty"`
	Unsolved int     `json:"unsolved,omitempty"`
}

// serve answers requests until the input ends.
func serve(in io.Reader, out io.Writer) error {
	var c cache
	dec, enc := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var q request
		if err := dec.Decode(&q); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("a request: %w", err)
		}
		var a reply
		var err error
		switch q.Op {
		case "about":
			a = about()
		case "run":
			a, err = c.run(&q)
		default:
			err = fmt.Errorf("op %q, want run or about", q.Op)
		}
		if err != nil {
			a = reply{Error: err.Error()}
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
}

func about() reply {
	a := reply{Version: "devel", Setting: fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				a.Version = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				a.Version += " with changes"
			case s.Key == "-tags":
				a.Setting += ", tags " + s.Value
			}
		}
	}
	return a
}

// cache holds the arrays of the last file.
type cache struct {
	file   string
	arrays map[string]*npz.Array
}

// load reads a file into a batch of its first size problems, and their
// cotangent.
func (c *cache) load(file string, size int) (qp.Shape, *qp.Batch, []float64, error) {
	if c.file != file {
		arrays, err := npz.ReadFile(file)
		if err != nil {
			return qp.Shape{}, nil, nil, err
		}
		c.file, c.arrays = file, arrays
	}
	p := c.arrays["p"]
	if p == nil || len(p.Shape) != 2 {
		return qp.Shape{}, nil, nil, fmt.Errorf("%s: p is missing or no matrix", file)
	}
	if size < 1 || size > p.Shape[0] {
		return qp.Shape{}, nil, nil, fmt.Errorf("%s has %d problems, want a batch of 1 to that, not %d", file, p.Shape[0], size)
	}
	sh := qp.Shape{N: p.Shape[1]}
	b := &qp.Batch{Size: size}
	var up []float64
	for _, f := range [...]struct {
		name string
		dims int // of one element
		to   *[]float64
		rows *int
		side qp.Sides
	}{
		{"Q", 2, &b.Q, nil, 0}, {"p", 1, &b.P, nil, 0}, {"A", 2, &b.A, &sh.NEq, 0}, {"b", 1, &b.B, nil, 0}, {"G", 2, &b.G, &sh.NIneq, 0},
		{"hl", 1, &b.HL, nil, qp.RowLower}, {"h", 1, &b.H, nil, qp.RowUpper}, {"l", 1, &b.L, nil, qp.Lower}, {"u", 1, &b.U, nil, qp.Upper},
		{"c", 1, &up, nil, 0},
	} {
		a := c.arrays[f.name]
		if a == nil {
			continue
		}
		x, err := a.Float64s()
		if err != nil {
			return qp.Shape{}, nil, nil, fmt.Errorf("%s: %s: %w", file, f.name, err)
		}
		dims := f.dims
		if f.name == "Q" && len(a.Shape) == 1 {
			sh.Q, dims = qp.Diagonal, 1
		}
		switch {
		case len(a.Shape) == dims: // shared
		case len(a.Shape) == dims+1 && a.Shape[0] >= size:
			x = x[:len(x)/a.Shape[0]*size]
		default:
			return qp.Shape{}, nil, nil, fmt.Errorf("%s: %s has shape %v, want %d dimensions, or one more for the batch", file, f.name, a.Shape, dims)
		}
		*f.to = x
		sh.Sides |= f.side
		if f.rows != nil {
			*f.rows = a.Shape[len(a.Shape)-2]
		}
	}
	if len(up) != size*sh.N {
		return qp.Shape{}, nil, nil, fmt.Errorf("%s: c has %d elements, want %d", file, len(up), size*sh.N)
	}
	return sh, b, up, nil
}

func (c *cache) run(q *request) (reply, error) {
	sh, b, up, err := c.load(q.File, q.Batch)
	if err != nil {
		return reply{}, err
	}
	s, err := qp.NewSolver(sh, &qp.Options{Workers: q.Threads, EpsAbs: q.Eps, EpsRel: q.Eps})
	if err != nil {
		return reply{}, err
	}
	ctx := context.Background()

	// Forward alone keeps no factors, as a caller who only predicts would ask.
	only := qp.Solution{Want: qp.OutZ | qp.OutDuals}
	forward, err := sample(q, func() (float64, error) {
		start := time.Now()
		err := s.Solve(ctx, &only, b)
		return milli(start), err
	})
	if err != nil {
		return reply{}, err
	}
	var x qp.Solution
	var g qp.Gradient
	cot := &qp.Point{Z: up}
	var bs []float64 // of the warm-up, too
	both, err := sample(q, func() (float64, error) {
		start := time.Now()
		if err := s.Solve(ctx, &x, b); err != nil {
			return 0, err
		}
		forward := milli(start)
		if err := x.VJP(ctx, &g, cot); err != nil {
			return 0, err
		}
		all := milli(start)
		bs = append(bs, all-forward)
		return all, nil
	})
	if err != nil {
		return reply{}, err
	}
	a := reply{Forward: median(forward), Backward: median(bs[len(bs)-len(both):]), Both: median(both), Calls: len(forward) + len(both), Setting: s.Method()}
	var failed *qp.ElementError
	if errors.As(x.Err(), &failed) {
		a.Unsolved = failed.Count
	}
	if q.Out == "" {
		return a, nil
	}
	return a, npz.WriteFile(q.Out, answers(sh, b, &x, &g, min(q.Grads, b.Size)))
}

// sample calls f once to warm up, and then repeatedly. It returns the times that
// the repeated calls return.
func sample(q *request, f func() (float64, error)) ([]float64, error) {
	if _, err := f(); err != nil {
		return nil, err
	}
	var times []float64
	for start := time.Now(); ; {
		t, err := f()
		if err != nil {
			return nil, err
		}
		times = append(times, t)
		if spent := time.Since(start).Seconds(); spent >= q.Seconds || len(times) >= q.Reps && spent >= q.Enough {
			return times, nil
		}
	}
}

func milli(start time.Time) float64 { return float64(time.Since(start).Nanoseconds()) / 1e6 }

// median of a list that is not empty.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// answers are the arrays that the checker reads: z, nu, lam, mu of all elements,
// and the gradients of the first few. Gradients of shared coefficients are left
// out: they are sums.
func answers(sh qp.Shape, b *qp.Batch, x *qp.Solution, g *qp.Gradient, grads int) map[string]*npz.Array {
	arrays := make(map[string]*npz.Array)
	put := func(name string, d []float64, rows int, shape ...int) {
		size := 1
		for _, n := range shape {
			size *= n
		}
		if size > 0 && len(d) == b.Size*size {
			arrays[name] = &npz.Array{Shape: append([]int{rows}, shape...), Data: d[:rows*size]}
		}
	}
	put("z", x.Z, b.Size, sh.N)
	put("nu", x.Nu, b.Size, sh.NEq)
	put("lam", x.Lambda, b.Size, sh.NIneq)
	if len(b.L)+len(b.U) > 0 {
		put("mu", x.Mu, b.Size, sh.N)
	}
	if sh.Q == qp.Dense {
		put("dQ", g.Q, grads, sh.N, sh.N)
	}
	put("dp", g.P, grads, sh.N)
	put("dA", g.A, grads, sh.NEq, sh.N)
	put("db", g.B, grads, sh.NEq)
	put("dG", g.G, grads, sh.NIneq, sh.N)
	put("dh", g.H, grads, sh.NIneq)
	put("dhl", g.HL, grads, sh.NIneq)
	return arrays
}
