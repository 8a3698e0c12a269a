package cuda

import (
	"fmt"
	"slices"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
)

// plan is how problems of one shape run on the devices of an engine.
type plan struct {
	engine *Engine
	sh     *shape
	opt    *qp.Options
	solve  layout // of a block that solves
	alone  layout // the same where a block has its multiprocessor for itself
	derive layout // of one that differentiates
	prep   layout // and of one that prepares
	groups bool   // groups of blocks take elements; their layouts depend on how many there are
	mixed  bool   // iterations factor in float32
	small  int    // 16 or 32: a warp takes an element of up to that size
	stage  int    // numbers of a stage
	factor int    // and of a factor
	why    string
}

// layout is where a block's memory lies, in numbers.
type layout struct {
	threads int // of the group, if there is one
	group   int // blocks that take an element together; 0: one does
	places  int32
	shared  int // bytes
	scratch int // numbers a block
}

// threadsFor is the size of a block: a warp for small problems, where a barrier
// costs next to nothing.
func (s *shape) threadsFor() int {
	switch size := max(s.n, s.p, s.t); {
	case size <= 32:
		return 32
	case size <= 64:
		return 128
	}
	return 256
}

// place puts the parts into shared memory in the order given, as far as they fit,
// and the others into scratch.
func place(threads, fixed, limit int, parts ...part) layout {
	l := layout{threads: threads, shared: blockBytes + 8*fixed}
	for _, p := range parts {
		if l.shared+8*p.size <= limit {
			l.shared += 8 * p.size
			l.places |= p.place
		} else {
			l.scratch += p.size
		}
	}
	return l
}

type part struct {
	place int32
	size  int
}

// smallR is the size up to which R is copied to shared memory: beyond, it would leave
// room for fewer blocks.
const smallR = 32

// newSmallPlan has warps take elements, in one launch.
func newSmallPlan(e *Engine, s *shape, opt *qp.Options) *plan {
	size := 16
	if max(s.n, s.p, s.t) > 16 {
		size = 32
	}
	matrix := size * (size + 1)
	l := layout{threads: 32, shared: blockBytes + 8*(9*matrix+32+size)}
	return &plan{
		engine: e, sh: s, opt: opt, small: size, solve: l, derive: l, stage: 3 * matrix, factor: matrix,
		why: fmt.Sprintf("(b) on the GPU, in the space of the %d inequalities: a warp an element, vectors in registers, matrices in shared memory (%d bytes); where Q is not positive definite, or ill-conditioned: the CPU",
			s.t, l.shared),
	}
}

// groupFrom is the size from which on a group of blocks takes an element,
// groupThreads the size of such a block, and groupMost how many a group has at most.
// Where there are factors to compute, vectors lie in shared memory only if a block then
// has groupShared bytes of it at most: the rest is the cache of what is in global memory.
const (
	groupFrom    = 256
	groupThreads = 512
	groupMost    = 16
	groupShared  = 160 << 10
)

// newGroupPlan has groups of blocks take elements, whose matrices are in global memory.
func newGroupPlan(e *Engine, s *shape, opt *qp.Options) (*plan, error) {
	how := "clusters"
	for _, g := range e.gpus {
		if err := g.forGroups(e.cooperative); err != nil {
			return nil, fmt.Errorf("cuda: loading the kernels for large problems: %w", err)
		}
		if !g.clusters {
			how = "groups"
		}
	}
	return &plan{
		engine: e, sh: s, opt: opt, groups: true, stage: s.stageSize(false), factor: lowSize(s.t),
		why: fmt.Sprintf("(b) on the GPU, in the space of the %d inequalities: %s of 1 to %d blocks of %d threads an element, as many as there is room for, vectors in shared memory if they fit; where Q is not positive definite, or ill-conditioned: the CPU",
			s.t, how, groupMost, groupThreads),
	}, nil
}

// groupFor is how many blocks a group has if there are so many: as many as run at the
// same time.
func (g *gpu) groupFor(p *plan, groups int) int {
	if k := p.engine.blocks; k > 0 {
		return k
	}
	for k := groupMost; k > 1; k-- {
		if g.fit[k] >= groups {
			return k
		}
	}
	return 1
}

// grouped is a layout for groups of blocks: what they share is in scratch, own is
// what each block has, in shared memory if it fits into the limit.
func (g *gpu) grouped(blocks, limit, shared int, own part) layout {
	l := place(groupThreads, groupBytes/8, min(limit, g.SharedBlock-staticBytes), own)
	l.threads, l.group = blocks*groupThreads, blocks
	l.scratch = shared + blocks*l.scratch
	return l
}

func newPlan(e *Engine, sh qp.Shape, opt *qp.Options) (*plan, error) {
	s := newShape(sh)
	if e.groups || max(s.n, s.p, s.t) >= groupFrom {
		return newGroupPlan(e, s, opt)
	}
	if max(s.n, s.p, s.t) <= 32 && opt.Trace == nil { // a trace stops the kernel after each iteration
		return newSmallPlan(e, s, opt), nil
	}
	limit := e.gpus[0].SharedBlock
	for _, g := range e.gpus {
		limit = min(limit, g.SharedBlock)
	}
	limit -= staticBytes
	threads := s.threadsFor()
	rows := pad16(s.p) + pad16(s.t)
	many := threads // where products of tiles are most of the work
	if threads > 32 {
		many *= 2
	}
	deriving := 256 // products with matrices in global memory are most of a derivative
	vectors, factor := part{placeVectors, s.workSize(deriving)}, part{placeFactor, lowSize(s.t)}
	order := []part{vectors, factor}
	if blockBytes+8*(vectors.size+factor.size) > limit {
		order = []part{factor, vectors} // latency counts most where pivots follow each other
	}
	p := &plan{
		engine: e, sh: s, opt: opt, stage: s.stageSize(false), factor: lowSize(s.t),
		derive: place(deriving, 0, limit, order...),
		prep:   place(many, 0, limit, part{placeVectors, s.prepareVectors(many)}, part{placeFactor, s.prepareLow(lowSize)}, part{placePanel, rows * wide(s.n)}),
	}
	withR := append(slices.Clone(order), part{placeR, pad16(s.t) * pad16(s.t)})
	p.alone = place(threads, 0, limit, withR...)
	if p.alone.places&placeR == 0 {
		p.alone.scratch -= pad16(s.t) * pad16(s.t) // R is read where it is
	}
	p.solve = p.alone
	if pad16(s.t) > smallR {
		p.solve = place(threads, 0, limit, order...)
	}
	if e.mixed && opt.Trace == nil {
		p.asMixed(limit)
	}
	where := "in shared memory"
	switch p.derive.places {
	case placeFactor:
		where = "with its matrix in shared memory, its vectors in global memory"
	case placeVectors:
		where = "with its vectors in shared memory, its matrix in global memory"
	case 0:
		where = "in global memory"
	}
	if p.mixed {
		where = "iterations with factors in float32 in shared memory"
	}
	p.why = fmt.Sprintf("(b) on the GPU, in the space of the %d inequalities: a block of %d threads an element, %s (%d bytes); where Q is not positive definite, or ill-conditioned: the CPU",
		s.t, p.solve.threads, where, p.solve.shared)
	return p, nil
}

// mixedThreads is the size of a block with factors in float32, of which three share a
// multiprocessor.
const mixedThreads = 128

// asMixed has iterations factor in float32, if there is room for that.
func (p *plan) asMixed(limit int) {
	s := p.sh
	parts := []part{{placeVectors, s.workSize(mixedThreads)}, {placeSingle, singleSize(s.t)}}
	l := place(mixedThreads, 0, limit, parts...)
	if l.scratch > 0 {
		return
	}
	p.mixed, p.solve, p.alone, p.stage = true, l, l, s.stageSize(true)
	p.derive = place(p.derive.threads, 0, limit, part{placeVectors, s.workSize(p.derive.threads)}, part{placeFactor, lowSize(s.t)})
}

// serial says that kernels do not run side by side, because blocks have scratch.
func (p *plan) serial() bool {
	return p.groups || p.solve.scratch > 0 || p.derive.scratch > 0 || p.prep.scratch > 0
}

// kernels are those that the plan runs.
func (g *gpu) kernels(p *plan) *kernels {
	if p.groups {
		return &g.group
	}
	if p.small > 0 {
		return &g.small[p.small/16-1]
	}
	if p.mixed {
		return &g.mixed
	}
	if p.solve.places&p.derive.places&placeVectors != 0 {
		return &g.near
	}
	return &g.one
}

// Method implements [qp.Plan].
func (p *plan) Method() string { return p.why }

// NewState implements [qp.Plan].
func (p *plan) NewState() (qp.State, error) { return newState(p) }

// Bytes implements [qp.Plan].
func (p *plan) Bytes(size int, want qp.Output) (host, device int64) {
	s := p.sh
	var data, results int
	for k := range coefs {
		data += coefs[k].len(s)
	}
	for k := range points {
		results += points[k].len(s)
	}
	stride := s.n + s.p + 5*s.t
	one := data + p.stage + stride + numInfo + results + s.m + s.t + 8
	if want == 0 || want&qp.OutFactors != 0 || p.mixed {
		one += p.factor + 2*data + 3*results + numCert + s.rowSize()
	}
	scratch, share := 0, (size+len(p.engine.gpus)-1)/max(1, len(p.engine.gpus))
	for _, g := range p.engine.gpus {
		scratch += g.scratch(p, share) + g.prepScratch(p, share)
	}
	return 2*bagBytes*int64(len(p.engine.gpus)) + int64(size+1)*8*int64(numInfo+numCert+1+numTrace), 8*int64(size+1)*int64(one) + 8*int64(scratch)
}

// slots is how many blocks with scratch, or groups of them, run at once.
func (g *gpu) slots(l layout) int {
	if l.group > 0 {
		return max(1, g.Multiprocessors/l.group)
	}
	if l.scratch == 0 {
		return 0
	}
	return g.Multiprocessors * max(1, min(16, g.SharedProcessor/max(l.shared+1024, 1)))
}

// scratch is how many numbers of it solving and differentiating so many elements take,
// prepScratch what preparing so many takes.
func (g *gpu) scratch(p *plan, elements int) int {
	if p.groups {
		l := g.solving(p, elements)
		return g.slots(l) * l.scratch
	}
	return max(g.slots(p.solve)*p.solve.scratch, g.slots(p.derive)*p.derive.scratch)
}

func (g *gpu) prepScratch(p *plan, elements int) int {
	l := g.preparing(p, elements)
	return g.slots(l) * l.scratch
}

// solving is the layout for so many elements, deriving that of their derivatives, and
// preparing that for so many stages.
func (g *gpu) solving(p *plan, elements int) layout {
	if p.groups {
		return g.working(p, elements, groupShared)
	}
	if elements <= g.Multiprocessors && p.alone.threads > 0 {
		return p.alone
	}
	return p.solve
}

func (g *gpu) deriving(p *plan, elements int) layout {
	if p.groups {
		return g.working(p, elements, g.SharedBlock)
	}
	return p.derive
}

func (g *gpu) working(p *plan, elements, limit int) layout {
	s := p.sh
	return g.grouped(g.groupFor(p, elements), limit, groupFactor(s.t)+s.exchangeSize(), part{placeVectors, s.workSize(groupThreads)})
}

func (g *gpu) preparing(p *plan, elements int) layout {
	if s := p.sh; p.groups {
		return g.grouped(g.groupFor(p, elements), groupShared, s.prepareLow(groupFactor)+2*(pad16(s.p)+pad16(s.t))*wide(s.n), part{placeVectors, s.prepareVectors(groupThreads)})
	}
	return p.prep
}

// blocks is how many to start for so many elements.
func (g *gpu) blocks(l layout, elements int) int {
	if l.scratch > 0 {
		return min(elements, g.slots(l))
	}
	return elements
}

// A buffer is device memory that grows.
type buffer struct {
	m    cudadrv.Memory
	held bool // somebody else has the old memory freed
}

// grow makes room for numbers of a size in bytes, and says whether what was there is
// gone.
func (b *buffer) grow(g *gpu, count, size int) (moved bool, err error) {
	bytes := int64(count) * int64(size)
	if bytes <= b.m.Size {
		return false, nil
	}
	if b.held {
		m, err := g.Alloc(bytes)
		if err == nil {
			b.m = m
		}
		return true, err
	}
	if err := b.m.Free(); err != nil {
		return true, err
	}
	b.m, err = g.Alloc(bytes)
	return true, err
}
