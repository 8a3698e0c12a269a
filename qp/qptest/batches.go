package qptest

import (
	"math"
	"math/rand/v2"

	"github.com/optnet-go/optnet/internal/gen"
	"github.com/optnet-go/optnet/qp"
)

// variants is a batch of problems near p, each with other values of all its
// coefficients; those in shared keep the values of p, once for all.
func variants(p *gen.QP, size int, shared qp.Coef) (qp.Shape, *qp.Batch) {
	sh := shapeOf(p)
	base := batchOf(p)
	b := &qp.Batch{Size: size}
	for k, c := range coefs {
		x := *c.of(&base.Data)
		if shared&c.bit != 0 {
			*c.of(&b.Data) = x
			continue
		}
		rng := newRand(uint64(k))
		var all []float64
		for range size {
			all = append(all, near(rng, sh, c.bit, x)...)
		}
		*c.of(&b.Data) = all
	}
	for i := range size { // sides that are equal stay equal
		pair(sh, b, qp.CoefHL, qp.CoefH, i, base.HL, base.H)
		pair(sh, b, qp.CoefL, qp.CoefU, i, base.L, base.U)
	}
	return sh, b
}

// near moves the values of one coefficient by at most 2 %; Q stays symmetric
// and as definite as it was.
func near(rng *rand.Rand, sh qp.Shape, bit qp.Coef, x []float64) []float64 {
	y := make([]float64, len(x))
	scale := 1.0
	if bit == qp.CoefQ {
		scale = 1 + 0.02*rng.Float64()
	}
	for i, v := range x {
		y[i] = v * scale
		if bit != qp.CoefQ {
			y[i] = v * (1 + 0.02*(2*rng.Float64()-1))
		} else if sh.Q == qp.Diagonal || sh.N > 0 && i%sh.N == i/sh.N {
			y[i] += 0.02 * math.Abs(v) * rng.Float64()
		}
	}
	return y
}

// pair makes the lower side of element i equal the upper one where it was.
func pair(sh qp.Shape, b *qp.Batch, lo, hi qp.Coef, i int, baseLo, baseHi []float64) {
	var x, y []float64
	for _, c := range coefs {
		switch c.bit {
		case lo:
			x = part(*c.of(&b.Data), c.len(sh), i)
		case hi:
			y = part(*c.of(&b.Data), c.len(sh), i)
		}
	}
	for j := range min(len(baseLo), len(baseHi)) {
		if baseLo[j] == baseHi[j] {
			x[j] = y[j]
		}
	}
}

// expand gives every element its own copy of the shared coefficients.
func expand(sh qp.Shape, b *qp.Batch) *qp.Batch {
	e := &qp.Batch{Size: b.Size, Warm: b.Warm}
	for _, c := range coefs {
		x := *c.of(&b.Data)
		for i := range b.Size {
			*c.of(&e.Data) = append(*c.of(&e.Data), part(x, c.len(sh), i)...)
		}
	}
	return e
}

// pick is the batch of some elements of an expanded batch, in that order.
func pick(sh qp.Shape, b *qp.Batch, elements ...int) *qp.Batch {
	e := &qp.Batch{Size: len(elements)}
	for _, c := range coefs {
		x := *c.of(&b.Data)
		for _, i := range elements {
			*c.of(&e.Data) = append(*c.of(&e.Data), part(x, c.len(sh), i)...)
		}
	}
	return e
}

// pickPoint is the same for points.
func pickPoint(sh qp.Shape, x *qp.Point, elements ...int) *qp.Point {
	e := new(qp.Point)
	for _, c := range points {
		for _, i := range elements {
			*c.of(e) = append(*c.of(e), part(*c.of(x), c.len(sh), i)...)
		}
	}
	return e
}

// randomPoint is a cotangent, with a Value if asked.
func randomPoint(rng *rand.Rand, sh qp.Shape, size int, value bool) *qp.Point {
	x := new(qp.Point)
	for _, c := range points {
		if c.name == "Value" && !value {
			continue
		}
		*c.of(x) = normals(rng, size*c.len(sh))
	}
	return x
}

// randomDir is a direction in the space of data, per element, symmetric in Q.
func randomDir(rng *rand.Rand, sh qp.Shape, size int) *qp.Data {
	d := new(qp.Data)
	for _, c := range coefs {
		*c.of(d) = normals(rng, size*c.len(sh))
	}
	if sh.Q == qp.Dense {
		for e := range size {
			q := part(d.Q, sh.N*sh.N, e)
			for i := range sh.N {
				for j := range i {
					q[i*sh.N+j] = q[j*sh.N+i]
				}
			}
		}
	}
	return d
}

func normals(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

// dotData and dotPoint are the inner products of the two spaces.
func dotData(a, b *qp.Data) (s float64) {
	for _, c := range coefs {
		s += dot(*c.of(a), *c.of(b))
	}
	return s
}

func dotPoint(a, b *qp.Point) (s float64) {
	for _, c := range points {
		if x, y := *c.of(a), *c.of(b); len(x) > 0 && len(y) > 0 {
			s += dot(x, y)
		}
	}
	return s
}
