package conic

import (
	"fmt"
	"unsafe"

	"github.com/optnet-go/optnet/internal/dense"
)

// Bytes bounds the memory that a Solution of this size takes: data, results, the
// workers' scratch and, with OutFactors in want, what derivatives keep. It is known from the
// patterns alone, before anything is solved, and about reached when every coefficient is
// given per element.
func (s *Solver) Bytes(size int, want Output) int64 {
	want = want.orAll()
	p := s.plan
	if want&OutFactors != 0 {
		want = outAll
	}
	n, m := int64(p.n), int64(p.m)
	one := int64(p.p.NNZ()+p.a.NNZ()) + n + m // data
	one += n + 2*m                            // rays
	if want&OutX != 0 {
		one += n + 1
	}
	if want&OutDual != 0 {
		one += m
	}
	if want&OutSlack != 0 {
		one += m
	}
	bytes := int64(size) * (8*one + int64(unsafe.Sizeof(Info{})))
	workers := int64(max(1, min(s.opt.Workers, size)))
	bytes += workers * p.workBytes()
	if want&OutFactors != 0 {
		bytes += s.derivativeBytes(int64(size), workers)
	}
	return bytes + bytes/4 // allocators round up
}

// Grow prepares dst for batches of up to size elements, whatever is shared, so that
// Solve allocates nothing later and, with OutFactors in dst.Want, neither does the first derivative
// of a Solve. (With more than one worker a call allocates a little, whatever the size.)
// What dst holds of this Solver's stays as it is.
func (s *Solver) Grow(dst *Solution, size int) error {
	if !s.validSize(size) {
		return fmt.Errorf("conic: Grow to %d elements, want a number of elements", size)
	}
	s.adopt(dst)
	n, m := s.plan.n, s.plan.m
	want := dst.Want.orAll()
	if want&OutFactors != 0 {
		want = outAll
	}
	for k := range coefs {
		reserve(coefs[k].of(&dst.data), coefs[k].len(s.plan)*size)
	}
	if want&OutX != 0 {
		reserve(&dst.X, n*size)
		reserve(&dst.Value, size)
	}
	if want&OutDual != 0 {
		reserve(&dst.Z, m*size)
	}
	if want&OutSlack != 0 {
		reserve(&dst.S, m*size)
	}
	reserve(&dst.Rays.X, n*size)
	reserve(&dst.Rays.Z, m*size)
	reserve(&dst.Rays.S, m*size)
	reserve(&dst.Info, size)
	workers := min(s.opt.Workers, size)
	s.makeWorks(dst, workers)
	if want&OutFactors == 0 {
		return nil
	}
	d := &dst.diff
	if err := d.adopt(s); err != nil {
		return err
	}
	d.reserve(size)
	for i := range d.hold(size, workers) {
		if d.lins[i] == nil {
			d.lins[i] = d.sys.newLinearization()
		}
	}
	for i := range d.workers {
		if d.workers[i] == nil {
			d.workers[i] = d.sys.newLinearization()
		}
	}
	return nil
}

// reserve gives a slice room for n without changing it.
func reserve[T any](a *[]T, n int) {
	if cap(*a) < n {
		b := make([]T, len(*a), n)
		copy(b, *a)
		*a = b
	}
}

// structBytes is more than the fields and slice headers of a worker, a
// cone or a linearization take.
const structBytes = 4096

// workBytes is what newWork takes.
func (p *plan) workBytes() int64 {
	n, m := int64(p.n), int64(p.m)
	floats := int64(p.p.NNZ()+p.a.NNZ()+p.psdSize) + 8*(n+m) + 5*(n+2*m)
	// kkt
	floats += 2*int64(p.kkt.NNZ()) + int64(p.size) + 2*n + 3*m + (krylovSize+1)*(n+m) + int64(p.largestBlock()+len(p.bounds))
	bytes := structBytes + 8*floats + m + p.sym.Bytes()
	if p.psdP != nil {
		bytes += p.psdP.Bytes()
	}
	for i := range p.blocks {
		bytes += p.blocks[i].coneBytes()
	}
	return bytes
}

// coneBytes is what newCone takes.
func (b *block) coneBytes() int64 {
	dim, k := int64(b.dim), int64(b.k)
	switch b.kind {
	case Zero:
		return 16
	case NonNegative:
		return 8*dim + 64
	case SecondOrder:
		return 8*4*dim + 192
	case PSD:
		return 8*(9*k*int64(dense.Stride(b.k))+3*k) + 1024
	case GenPower:
		return 8*9*dim + 320
	}
	return 800
}

// derivativeBytes is what derivatives keep.
func (s *Solver) derivativeBytes(size, workers int64) int64 {
	sys, err := s.diff.system(&s.st)
	if err != nil {
		return 0 // which VJP will say
	}
	n, m := int64(sys.n), int64(sys.m)
	bytes := size * (8*(2*n+2*m+2) + 8 + int64(unsafe.Sizeof(Certificate{})))
	if total := size * int64(sys.bytes); size <= workers || total <= keepBytes {
		bytes += total
	}
	return bytes + workers*int64(sys.bytes)
}

// A field is an array to be made, and its length.
type field struct {
	to  *[]float64
	len int
}

func total(fields []field) (n int) {
	for _, f := range fields {
		n += f.len
	}
	return n
}

// carve makes the arrays from one piece of memory.
func carve(fields []field) {
	a := make([]float64, total(fields))
	for _, f := range fields {
		*f.to, a = a[:f.len:f.len], a[f.len:]
	}
}
