package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/optnet-go/optnet/layer"
)

// draw makes count values of a parameter, as models.py does but for the generator.
func (l *leaf) draw(r *rand.Rand, count int) []float64 {
	one := 1
	for _, d := range l.Dims {
		one *= d
	}
	normal := func() []float64 {
		x := make([]float64, one)
		for i := range x {
			x[i] = r.NormFloat64()
		}
		return x
	}
	var out []float64
	for range count {
		x := normal()
		switch d := l.Draw.(type) {
		case string:
			if d == "normal" {
				break
			}
			n := l.Dims[0]
			y := make([]float64, one)
			for i := range n {
				for j := range n {
					if d == "symmetric" {
						y[i*n+j] = (x[i*n+j] + x[j*n+i]) / 2
						continue
					}
					for k := range n { // psd
						y[i*n+j] += x[i*n+k] * x[j*n+k] / float64(n)
					}
				}
				if d == "psd" {
					y[i*n+i] += 0.1
				}
			}
			x = y
		case []any:
			if a := d[1].(float64); d[0] == "uniform" {
				for i := range x {
					x[i] = a + (d[2].(float64)-a)*r.Float64()
				}
			} else { // near-identity
				n := l.Dims[0]
				for i := range x {
					x[i] *= a
					if i/n == i%n {
						x[i]++
					}
				}
			}
		}
		out = append(out, x...)
	}
	return out
}

// BenchmarkForwardBackward is what compare.py times, by model and batch, on every
// processor that -cpu allows.
func BenchmarkForwardBackward(b *testing.B) {
	models, err := readModels("models.json")
	if err != nil {
		b.Fatal(err)
	}
	var names []string
	for name, d := range models {
		if d.Timed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, size := range []int{1, 64, 512} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, size), func(b *testing.B) {
				models[name].bench(b, size)
			})
		}
	}
}

func (d *description) bench(b *testing.B, size int) {
	m, err := d.build()
	if err != nil {
		b.Fatal(err)
	}
	prog, err := m.Compile()
	if err != nil {
		b.Fatal(err)
	}
	l, err := layer.New(prog, nil, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var values [][]float64
	for _, p := range d.Params {
		count := size
		if p.Shared {
			count = 1
		}
		values = append(values, p.draw(r, count))
	}
	up := &layer.Outputs{}
	for _, v := range d.Vars {
		v.Draw = "normal"
		if v.PSD {
			v.Draw = "symmetric"
		}
		up.Vars = append(up.Vars, v.draw(r, size))
	}
	ctx := context.Background()
	var pass layer.Pass
	var grad layer.Gradient
	if err := l.Forward(ctx, &pass, values...); err != nil {
		b.Fatal(err)
	}
	if err := pass.Backward(ctx, &grad, up); err != nil {
		b.Fatal(err)
	}
	iterations := 0
	for _, info := range pass.Info {
		iterations += info.Iterations
	}
	b.ReportAllocs()
	forward := 0
	for b.Loop() {
		if err := l.Forward(ctx, &pass, values...); err != nil {
			b.Fatal(err)
		}
		if err := pass.Backward(ctx, &grad, up); err != nil {
			b.Fatal(err)
		}
		forward++
	}
	b.ReportMetric(float64(iterations)/float64(size), "iterations")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(forward*size), "µs/element")
}
