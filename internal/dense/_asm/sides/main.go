// Command sides writes the AVX2 kernels over the sides of constraints: see
// sides.go of package dense for what each computes.
//
// They are maps and reductions over vectors without padding. A map takes four
// entries at a time. One that reads nothing it writes, or may do so twice, does
// the last four, which may overlap those before, once more, and only vectors
// shorter than four need masks. A sum keeps entry i in chain i mod 4 and masks
// its tail with zeros, which do not change it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64,!noasm")
	constants()
	violation()
	slackResidual()
	sideSum()
	weigh()
	complementarity()
	sideStep()
	followMultipliers()
	maxStep()
	shiftedDot()
	maps()
	maxAbsRows()
	outer()
	Generate()
}

var (
	one, absMask, signMask Mem
	masks                  Mem // eight words: four of ones, four of zeros
)

func constants() {
	one = constant("sideOne", U64(0x3ff0000000000000), 4)
	absMask = constant("sideAbs", U64(1<<63-1), 4)
	signMask = constant("sideSign", U64(1<<63), 4)
	masks = GLOBL("sideMasks", RODATA|NOPTR)
	for i := range 8 {
		v := U64(0)
		if i < 4 {
			v = U64(1<<64 - 1)
		}
		DATA(8*i, v)
	}
}

func constant(name string, v Constant, times int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range times {
		DATA(8*i, v)
	}
	return m
}

// loop is a kernel under construction: a loop over vectors of n entries.
type loop struct {
	n, i   reg.GPVirtual // entries, and the offset in bytes of those at hand
	ptr    map[string]reg.GPVirtual
	mask   reg.VecVirtual // of the entries at hand, in a tail
	masked bool
}

// begin starts a function whose pointer parameters are arrays. Those that do
// not fit into registers are loaded anew each time.
func begin(name, signature string, arrays ...string) *loop {
	TEXT(name, NOSPLIT, signature)
	Pragma("noescape")
	l := &loop{n: GP64(), i: GP64(), ptr: map[string]reg.GPVirtual{}, mask: YMM()}
	Load(Param("n"), l.n)
	for _, a := range arrays[:min(len(arrays), 10)] {
		l.ptr[a] = GP64()
		Load(Param(a), l.ptr[a])
	}
	return l
}

func (l *loop) at(a string) Mem {
	p, ok := l.ptr[a]
	if !ok {
		p = GP64()
		Load(Param(a), p)
	}
	return Mem{Base: p, Index: l.i, Scale: 1}
}

func (l *loop) load(a string) reg.VecVirtual {
	v := YMM()
	if l.masked {
		VMASKMOVPD(l.at(a), l.mask, v)
	} else {
		VMOVUPD(l.at(a), v)
	}
	return v
}

func (l *loop) store(v reg.VecVirtual, a string) {
	if l.masked {
		VMASKMOVPD(v, l.mask, l.at(a))
	} else {
		VMOVUPD(v, l.at(a))
	}
}

// scalar broadcasts a parameter. Here and in give, avo's own loads and stores
// would be SSE's, which wait for the upper halves of the registers: 70 ns each
// on an Intel processor.
func scalar(name string) reg.VecVirtual {
	v := YMM()
	VBROADCASTSD(place(Param(name)), v)
	return v
}

// give stores a result.
func give(x reg.VecVirtual, result gotypes.Component) { VMOVSD(x, place(result)) }

// place is where a parameter or a result is on the stack.
func place(c gotypes.Component) Mem {
	b, err := c.Resolve()
	if err != nil {
		panic(err)
	}
	return b.Addr
}

func zero() reg.VecVirtual {
	v := YMM()
	VXORPD(v, v, v)
	return v
}

// tail sets the mask to the last left entries of four, left < 4.
func (l *loop) tail(left reg.GPVirtual) {
	at, base := GP64(), GP64()
	MOVQ(U32(4), at)
	SUBQ(left, at)
	LEAQ(masks, base)
	VMOVUPD(Mem{Base: base, Index: at, Scale: 8}, l.mask)
}

// each runs body over all entries, some perhaps twice, and ends the function.
func (l *loop) each(body func()) {
	full, short, last, done := "full", "short", "last", "done"
	XORQ(l.i, l.i)
	end := GP64()
	CMPQ(l.n, U8(4))
	JLT(LabelRef(short))
	MOVQ(l.n, end)
	SHLQ(U8(3), end)
	SUBQ(U8(32), end) // where the last four begin
	JZ(LabelRef(last))
	Label(full)
	body()
	ADDQ(U8(32), l.i)
	CMPQ(l.i, end)
	JLT(LabelRef(full))
	Label(last)
	MOVQ(end, l.i)
	body()
	JMP(LabelRef(done))
	Label(short)
	TESTQ(l.n, l.n)
	JZ(LabelRef(done))
	l.tail(l.n)
	l.masked = true
	body()
	Label(done)
}

// once runs body over all entries, each once; what a tail lacks is zero.
func (l *loop) once(body func()) {
	full, rest, done := "full", "rest", "done"
	XORQ(l.i, l.i)
	SUBQ(U8(4), l.n)
	JLT(LabelRef(rest))
	Label(full)
	body()
	ADDQ(U8(32), l.i)
	SUBQ(U8(4), l.n)
	JGE(LabelRef(full))
	Label(rest)
	ADDQ(U8(4), l.n)
	JZ(LabelRef(done))
	l.tail(l.n)
	l.masked = true
	body()
	Label(done)
}

func end() {
	VZEROUPPER()
	RET()
}

// sum returns (s0+s1) + (s2+s3).
func sum(v reg.VecVirtual, result string) {
	high, low := XMM(), XMM()
	VEXTRACTF128(U8(1), v, high)
	VHADDPD(high, v.AsX(), low) // s0+s1, s2+s3
	VUNPCKHPD(low, low, high)
	VADDSD(high, low, low)
	give(low, ReturnIndex(index[result]))
}

var index = map[string]int{"sum": 0, "abs": 1}
