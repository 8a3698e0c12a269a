package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// An isa is one flavour of vectors and the tile that suits it: rows×vecs
// accumulators, vecs vectors of B and one broadcast entry of A must fit the
// register file.
type isa struct {
	suffix string // of the kernels' names
	lanes  int
	rows   int
	regs   []reg.VecPhysical
}

var (
	avx2   = isa{"AVX2", 4, 4, ymm}
	avx512 = isa{"AVX512", 8, 8, zmm}
)

var ymm = []reg.VecPhysical{
	reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7,
	reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
}

var xmm = []reg.VecPhysical{
	reg.X0, reg.X1, reg.X2, reg.X3, reg.X4, reg.X5, reg.X6, reg.X7,
	reg.X8, reg.X9, reg.X10, reg.X11, reg.X12, reg.X13, reg.X14, reg.X15,
}

var zmm = []reg.VecPhysical{
	reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7,
	reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
	reg.Z16, reg.Z17, reg.Z18, reg.Z19, reg.Z20, reg.Z21, reg.Z22, reg.Z23,
	reg.Z24, reg.Z25, reg.Z26, reg.Z27, reg.Z28, reg.Z29, reg.Z30, reg.Z31,
}

// bytes is the size of a vector.
func (s isa) bytes() int { return 8 * s.lanes }

func (s isa) zero(v reg.VecPhysical) {
	if s.lanes == 8 {
		VPXORQ(v, v, v)
	} else {
		VXORPD(v, v, v)
	}
}

// text begins a kernel.
func text(name, doc, signature string) {
	TEXT(name, NOSPLIT, "func"+signature)
	Doc(name + " " + doc)
	Pragma("noescape")
}

// arg loads an argument into a new register, argBytes one that counts
// float64s, in bytes.
func arg(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func argBytes(name string) reg.GPVirtual {
	r := arg(name)
	SHLQ(Imm(3), r)
	return r
}

// argAt is the place of an argument on the stack.
func argAt(name string) Mem {
	b, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

// resultAt is the place of the result. Avo's Store would use SSE, which waits for
// the upper halves of the registers.
func resultAt() Mem {
	b, err := ReturnIndex(0).Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func done() {
	VZEROUPPER()
	RET()
}

var labels int

// label returns a name for a label that no other has.
func label(what string) string {
	labels++
	return fmt.Sprintf("%s%d", what, labels)
}

func at(base reg.Register, disp int) Mem { return Mem{Base: base, Disp: disp} }

// rows addresses up to eight rows of a matrix that lie ld bytes apart.
type rows struct {
	p, ld   reg.GPVirtual
	ld3, p4 reg.GPVirtual // 3·ld, p + 4·ld
	far     bool          // whether p4 is in use
}

// newRows prepares for n rows below a pointer that is yet to be set.
func newRows(ld reg.GPVirtual, n int) rows {
	w := rows{p: GP64(), ld: ld}
	if n >= 4 {
		w.ld3 = GP64()
		LEAQ(Mem{Base: ld, Index: ld, Scale: 2}, w.ld3)
	}
	if n > 4 {
		w.far, w.p4 = true, GP64()
	}
	return w
}

// moved must follow every change of p.
func (w rows) moved() {
	if w.far {
		LEAQ(Mem{Base: w.p, Index: w.ld, Scale: 4}, w.p4)
	}
}

func (w rows) at(r, disp int) Mem {
	base := w.p
	if r >= 4 {
		base, r = w.p4, r-4
	}
	switch r {
	case 0:
		return Mem{Base: base, Disp: disp}
	case 1:
		return Mem{Base: base, Index: w.ld, Scale: 1, Disp: disp}
	case 2:
		return Mem{Base: base, Index: w.ld, Scale: 2, Disp: disp}
	}
	return Mem{Base: base, Index: w.ld3, Scale: 1, Disp: disp}
}

// tailMask is four lanes of ones and four of zeros: from 8(4-t) bytes on, it
// is the mask of the first t of four lanes.
func tailMask() Mem {
	m, ok := constants["tailMask"]
	if !ok {
		m = GLOBL("tailMask", RODATA|NOPTR)
		for i, v := range [8]uint64{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64} {
			DATA(8*i, U64(v))
		}
		constants["tailMask"] = m
	}
	return m
}

// constants are those that have been written.
var constants = map[string]Mem{}

func constant(name string, v float64) Mem {
	m, ok := constants[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		DATA(0, F64(v))
		constants[name] = m
	}
	return m
}

// loadTailMask sets mask to the first t mod 4 lanes, t in a register.
func loadTailMask(t reg.GPVirtual, mask reg.VecPhysical) {
	off, base := GP64(), GP64()
	MOVQ(t, off)
	ANDQ(num(3), off)
	NEGQ(off)
	LEAQ(tailMask(), base)
	VMOVUPD(Mem{Base: base, Index: off, Scale: 8, Disp: 32}, mask)
}

// num is an immediate operand.
func num(x int) Op {
	if -128 <= x && x < 128 {
		return I8(int8(x))
	}
	return I32(int32(x))
}

// long is one for instructions that know no shorter.
func long(x int) Op { return I32(int32(x)) }
