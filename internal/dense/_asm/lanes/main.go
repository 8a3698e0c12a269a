// Command lanes writes the kernels that work on several small problems at once,
// one in each lane of a vector: see lanes.go of package dense for the layout and
// for what each computes.
//
// They are the loops of that documentation, with a vector for each number. No
// sum is split, no tail is masked: an entry is a whole vector.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	one = constant("laneOne", U64(0x3ff0000000000000))
	absMask = constant("laneAbs", U64(1<<63-1))
	infinity = constant("laneInf", U64(0x7ff0000000000000))
	negative = constant("laneNegative", U64(1<<63))
	for _, s := range []isa{{"AVX2", 4}, {"AVX512", 8}} {
		s.gemv()
		s.gemvT()
		s.solveUT()
		s.solveU()
		s.cholesky()
		s.dot()
		s.shiftedDot()
		s.normInf()
		s.violation()
		s.sideSum()
		s.maxStep()
		s.axpy()
		s.complementarity()
		s.choose()
	}
	Generate()
}

var one, absMask, infinity, negative Mem // of eight equal words

func constant(name string, v Constant) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(8*i, v)
	}
	return m
}

// An isa is a width of vectors.
type isa struct {
	name  string
	lanes int
}

func (s isa) bytes() int { return 8 * s.lanes }

func (s isa) vec() reg.VecVirtual {
	if s.lanes == 8 {
		return ZMM()
	}
	return YMM()
}

func (s isa) zero() reg.VecVirtual {
	v := s.vec()
	if s.lanes == 8 {
		VPXORQ(v, v, v)
	} else {
		VXORPD(v, v, v)
	}
	return v
}

func (s isa) load(m Op) reg.VecVirtual {
	v := s.vec()
	VMOVUPD(m, v)
	return v
}

// and computes x & y, of which y is in memory.
func (s isa) and(y Mem, x reg.VecVirtual) {
	if s.lanes == 8 {
		VPANDQ(y, x, x)
	} else {
		VANDPD(y, x, x)
	}
}

func (s isa) text(name, signature string) {
	TEXT(name+s.name, NOSPLIT, "func"+signature)
	Pragma("noescape")
}

// scalar broadcasts a parameter.
func (s isa) scalar(name string) reg.VecVirtual {
	x, v := XMM(), s.vec()
	Load(Param(name), x)
	VBROADCASTSD(x, v)
	return v
}

func arg(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

// size is an argument that counts entries, in bytes.
func (s isa) size(name string) reg.GPVirtual {
	r := arg(name)
	s.scale(r)
	return r
}

func (s isa) scale(r reg.GPVirtual) {
	if s.lanes == 8 {
		SHLQ(Imm(6), r)
	} else {
		SHLQ(Imm(5), r)
	}
}

func end() {
	VZEROUPPER()
	RET()
}

func at(p reg.Register, disp int) Mem { return Mem{Base: p, Disp: disp} }

func in(p, i reg.Register) Mem { return Mem{Base: p, Index: i, Scale: 1} }

func copied(r reg.Register) reg.GPVirtual {
	c := GP64()
	MOVQ(r, c)
	return c
}

var labels int

func label(what string) string {
	labels++
	return what + string(rune('a'+labels/26%26)) + string(rune('a'+labels%26))
}

// while runs body as long as the flags say so: cond jumps out.
func while(test func(), out func(LabelRef), body func()) {
	top, bottom := label("while"), label("end")
	Label(top)
	test()
	out(LabelRef(bottom))
	body()
	JMP(LabelRef(top))
	Label(bottom)
}

// below runs body while i < n, both in bytes.
func below(i, n reg.Register, body func()) {
	while(func() { CMPQ(i, n) }, func(l LabelRef) { JGE(l) }, body)
}
