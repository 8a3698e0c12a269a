// Command conic solves and differentiates cone programs for compare.py, which runs
// other solvers beside it on the same problems.
//
// It reads one request a line from standard input, an object with
//
//	file     a problem: .cbf, .dat-s, .json, gzipped or not
//	copies   solve a batch of so many elements of the same data (default 1)
//	repeat   how often to time, the fastest counts (default 1)
//	up       cotangent of x: differentiate, too
//	problem  where to write the problem as JSON
//	solve    false: only read, and write
//
// and writes one object a line.
package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/encoding/cbf"
	"github.com/optnet-go/optnet/encoding/sdpa"
)

type request struct {
	File    string    `json:"file"`
	Copies  int       `json:"copies"`
	Repeat  int       `json:"repeat"`
	Up      []float64 `json:"up"`
	Problem string    `json:"problem"`
	Solve   *bool     `json:"solve"`
}

type reply struct {
	Error      string    `json:"error,omitempty"`
	Status     string    `json:"status,omitempty"`
	Iterations int       `json:"iterations"`
	Seconds    float64   `json:"seconds"`  // set-up and solve
	Again      float64   `json:"again"`    // solve, with the set-up done
	Backward   float64   `json:"backward"` // the first VJP after a solve
	Repeated   float64   `json:"repeated"` // a further one
	X          []float64 `json:"x,omitempty"`
	Z          []float64 `json:"z,omitempty"`
	S          []float64 `json:"s,omitempty"`
	DQ         []float64 `json:"dq,omitempty"`
	DA         []float64 `json:"da,omitempty"`
	DB         []float64 `json:"db,omitempty"`
	Cert       string    `json:"certificate,omitempty"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return
		}
		var q request
		var r reply
		if err := json.Unmarshal(line, &q); err != nil {
			r.Error = err.Error()
		} else if err := r.answer(&q); err != nil {
			r.Error = err.Error()
		}
		if err := out.Encode(&r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func (r *reply) answer(q *request) error {
	p, err := read(q.File)
	if err != nil {
		return err
	}
	if q.Problem != "" {
		text, err := json.Marshal(p)
		if err != nil {
			return err
		}
		if err := os.WriteFile(q.Problem, text, 0o666); err != nil {
			return err
		}
	}
	if q.Solve != nil && !*q.Solve {
		return nil
	}
	copies, repeat := max(q.Copies, 1), max(q.Repeat, 1)
	ctx := context.Background()
	d := p.Data()
	b := &conic.Batch{Size: copies, Data: conic.Data{
		P: slices.Repeat(d.P, copies), Q: slices.Repeat(d.Q, copies), A: slices.Repeat(d.A, copies), B: slices.Repeat(d.B, copies),
	}}
	up := &conic.Point{X: slices.Repeat(q.Up, copies)}
	r.Seconds, r.Again, r.Backward, r.Repeated = math.Inf(1), math.Inf(1), math.Inf(1), math.Inf(1)
	var x *conic.Solution
	var g conic.Gradient
	for range repeat {
		start := time.Now()
		s, err := conic.NewSolver(p.Structure(), nil)
		if err != nil {
			return err
		}
		x = new(conic.Solution)
		if err := s.Solve(ctx, x, b); err != nil {
			return err
		}
		r.Seconds = min(r.Seconds, time.Since(start).Seconds())
		if len(q.Up) > 0 { // the first derivative of a Solver analyzes its system
			if err := x.VJP(ctx, &g, up); err != nil {
				return err
			}
		}
		if repeat > 1 {
			start = time.Now()
			if err := s.Solve(ctx, x, b); err != nil {
				return err
			}
			r.Again = min(r.Again, time.Since(start).Seconds())
		} else {
			r.Again = r.Seconds
		}
		if len(q.Up) == 0 {
			continue
		}
		for _, t := range []*float64{&r.Backward, &r.Repeated} {
			start = time.Now()
			if err := x.VJP(ctx, &g, up); err != nil {
				return err
			}
			*t = min(*t, time.Since(start).Seconds())
		}
	}
	if len(q.Up) == 0 {
		r.Backward, r.Repeated = 0, 0
	} else {
		c := g.Certs[0]
		r.Cert = fmt.Sprintf("residual %.1e margin %.1e condition %.1e unique %v fallback %v zeroed %v", c.Residual, c.Margin, c.RCond, c.Unique, c.Fallback, c.Zeroed)
		r.DQ, r.DA, r.DB = g.Q[:len(d.Q)], g.A[:len(d.A)], g.B[:len(d.B)]
	}
	r.Status, r.Iterations = x.Info[0].Status.String(), x.Info[0].Iterations
	if x.Info[0].Status.HasPoint() {
		r.X, r.Z, r.S = x.X[:len(d.Q)], x.Z[:len(d.B)], x.S[:len(d.B)]
	}
	return nil
}

func read(name string) (*conic.Problem, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch base := strings.TrimSuffix(name, ".gz"); {
	case strings.HasSuffix(base, ".cbf"):
		c, err := cbf.Read(f)
		if err != nil {
			return nil, err
		}
		return c.Problem, nil
	case strings.HasSuffix(base, ".dat-s"):
		c, err := sdpa.Read(f)
		if err != nil {
			return nil, err
		}
		return c.Problem, nil
	case base != name:
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		p := new(conic.Problem)
		return p, json.NewDecoder(z).Decode(p)
	}
	p := new(conic.Problem)
	return p, json.NewDecoder(f).Decode(p)
}
