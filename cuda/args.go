package cuda

import "github.com/optnet-go/optnet/qp"

// args is the argument of every kernel: struct Args of kernels/args.h.
type args struct {
	data      [numCoef]uintptr
	stage     uintptr
	x         uintptr
	info      uintptr
	factors   uintptr
	state     uintptr
	warm      [4]uintptr
	out       [6]uintptr
	trace     uintptr
	scratch   uintptr
	up        [5]uintptr
	dir       [numCoef]uintptr
	grad      [numCoef]uintptr
	tangent   [5]uintptr
	cert      uintptr
	rows      uintptr
	code      uintptr
	classes   uintptr
	stop      uintptr
	barrier   uintptr // of groups of blocks
	scratches int64   // numbers of scratch a block

	epsAbs, epsRel float64

	n, p, m, t, form, size int32
	shared, dirShared      int32
	oneStage, inShared     int32
	steps, maxIter         int32
	polish, stride         int32
	mixed, _               int32
}

// pointers are the addresses of device memory in a.
func (a *args) pointers() []*uintptr {
	list := []*uintptr{&a.stage, &a.x, &a.info, &a.factors, &a.state, &a.trace, &a.scratch, &a.cert, &a.rows, &a.code, &a.classes, &a.stop, &a.barrier}
	for _, s := range [][]uintptr{a.data[:], a.warm[:], a.out[:], a.up[:], a.dir[:], a.grad[:], a.tangent[:]} {
		for i := range s {
			list = append(list, &s[i])
		}
	}
	return list
}

// Codes of an element: enum Code.
const (
	codeFresh = iota
	codeRunning
	codeSolved
	codePlain
	codeBack
	codeLeft
	codeStopped
)

// What an element's info and certificate hold.
const (
	infoIter = iota
	infoPrimal
	infoDual
	infoGap
	infoValue
	infoMargin
	infoError
	infoRCond
	infoActive
	infoWeak
	infoCount
	infoFell
	numInfo

	certResidual = 0
	certZeroed   = 1
	numCert      = 2

	asymmetry = 1e-10 // ASYMMETRY of kernels/prepare.h: of Q, relative to its largest entry, up to which it is rounding

	numTrace = 8
	numLoop  = 18
	chunk    = 32 // elements that a sum is made of
)

// What lies in shared memory.
const (
	placeVectors = 1 << iota
	placeFactor
	placePanel
	placeR
	placeSingle
)

// Of struct Work: vectors by their number.
const (
	numT        = 25
	numN        = 9
	numP        = 7
	numReduce   = 24
	numOwn      = 28
	blockBytes  = 784                               // struct Block
	staticBytes = 768                               // of shared memory that no launch asks for: columns of matrix.h
	groupBytes  = 8 * (16 + 128*16 + 192*4 + 64*68) // before struct Block, of groups
	barrier     = 32                                // numbers between the counters of two groups
)

const numCoef = 9

// coefs are the coefficients in the order of their Coef bits.
var coefs = [numCoef]struct {
	of  func(*qp.Data) *[]float64
	len func(*shape) int
}{
	{func(d *qp.Data) *[]float64 { return &d.Q }, func(s *shape) int {
		if s.Q == qp.Dense {
			return s.n * s.n
		}
		return s.n
	}},
	{func(d *qp.Data) *[]float64 { return &d.P }, func(s *shape) int { return s.n }},
	{func(d *qp.Data) *[]float64 { return &d.A }, func(s *shape) int { return s.p * s.n }},
	{func(d *qp.Data) *[]float64 { return &d.B }, func(s *shape) int { return s.p }},
	{func(d *qp.Data) *[]float64 { return &d.G }, func(s *shape) int { return s.m * s.n }},
	{func(d *qp.Data) *[]float64 { return &d.HL }, func(s *shape) int { return s.side(qp.RowLower, s.m) }},
	{func(d *qp.Data) *[]float64 { return &d.H }, func(s *shape) int { return s.side(qp.RowUpper, s.m) }},
	{func(d *qp.Data) *[]float64 { return &d.L }, func(s *shape) int { return s.side(qp.Lower, s.n) }},
	{func(d *qp.Data) *[]float64 { return &d.U }, func(s *shape) int { return s.side(qp.Upper, s.n) }},
}

// points are the arrays of a point; Value has one number an element.
var points = [...]struct {
	of  func(*qp.Point) *[]float64
	len func(*shape) int
}{
	{func(x *qp.Point) *[]float64 { return &x.Z }, func(s *shape) int { return s.n }},
	{func(x *qp.Point) *[]float64 { return &x.Nu }, func(s *shape) int { return s.p }},
	{func(x *qp.Point) *[]float64 { return &x.Lambda }, func(s *shape) int { return s.m }},
	{func(x *qp.Point) *[]float64 { return &x.Mu }, func(s *shape) int { return s.n }},
	{func(x *qp.Point) *[]float64 { return &x.Value }, func(s *shape) int { return 1 }},
}

// shape is a shape and the sizes that follow from it.
type shape struct {
	qp.Shape
	n, p, m, t int
}

func newShape(sh qp.Shape) *shape {
	s := &shape{sh, sh.N, sh.NEq, sh.NIneq, sh.NIneq}
	if sh.Sides&(qp.Lower|qp.Upper) != 0 {
		s.t += sh.N
	}
	return s
}

func (s *shape) side(side qp.Sides, n int) int {
	if s.Sides&side == 0 {
		return 0
	}
	return n
}

// Sizes in numbers, as kernels/*.h compute them.

func pad16(n int) int { return (n + 15) &^ 15 }
func wide(n int) int  { return pad16(n) + 4 }

func lowSize(n int) int {
	b := pad16(n) / 16
	return 128*b*b + 192*b
}

// singleSize is what a factor in float32 takes.
func singleSize(n int) int { return lowSize(n) / 2 }

func (s *shape) stageSize(mixed bool) int {
	size := lowSize(s.n) + pad16(s.p)*wide(s.n) + lowSize(s.p) + pad16(s.t)*pad16(s.t) + lowSize(s.t) + pad16(s.p) + 2*pad16(s.t) + 8
	if mixed {
		size += singleSize(s.t)
	}
	return size
}

// prepareLow is the room that preparation needs besides the rows of A and C, with factors
// of the size given.
func (s *shape) prepareLow(size func(int) int) int {
	return max(size(s.n), size(s.p), pad16(s.t)*wide(s.p))
}

// prepareVectors is what else it needs.
func (s *shape) prepareVectors(threads int) int {
	return 2*max(pad16(s.n), pad16(s.p)) + 8*(threads/32)
}

func (s *shape) workSize(threads int) int {
	t := pad16(s.t)
	return numT*t + numN*pad16(s.n) + numP*pad16(s.p) + 3*t/2 + 8 + max(threads, numReduce*(threads/32)) + numOwn*(threads/32)
}

// groupFactor is a factor of order n with the room that groups take for it, exchangeSize
// what their products with vectors do.
func groupFactor(n int) int { return 2*lowSize(n) + pad16(n) }

func (s *shape) exchangeSize() int {
	most := pad16(max(s.n, s.p, s.t))
	return 2 * ((most + 31) / 32 * most)
}

// absent says whether the shape has no coefficient k.
func (s *shape) absent(k int) bool { return coefs[k].len(s) == 0 }

func (s *shape) stateSize() int { return 3*pad16(s.t) + pad16(s.n) + pad16(s.p) + numLoop }
func (s *shape) rowSize() int   { return 3*s.n + 2*s.p + 3*s.t }
