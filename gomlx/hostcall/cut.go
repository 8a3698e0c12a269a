package hostcall

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"
)

// A program with host calls runs in levels 0, 1, ...: the stage of a level is what the
// backend behind compiles and runs, then come the host calls of the level. The level
// of an operation is the number of host calls on the longest way to it, so that
// everything runs as early as it can. What depends on constants only has no level: it
// is repeated in each stage that needs it.
const everywhere = -1

// The times at which a level reads its operands: its stage, and then its host calls.
func stageTime(level int) int { return 2 * level }
func hostTime(level int) int  { return 2*level + 1 }

// forever is the time of the last use of what is returned.
const forever = int(^uint(0) >> 1)

// Compile cuts the program at its host calls.
func (b *builder) Compile() (compute.Executable, error) {
	if b.hosts == 0 && !b.backend.replay {
		x, err := b.Builder.Compile()
		if err != nil {
			return nil, err
		}
		return &whole{x, b.backend}, nil
	}
	if b.sharded {
		return nil, fmt.Errorf("hostcall: %q is a program for several devices and has host calls: use operations of the graph only, or one program a device", b.name)
	}
	if b.main.returns == nil {
		return nil, fmt.Errorf("hostcall: Compile of %q before Return of its main function", b.name)
	}
	c := &cut{builder: b, slots: make(map[*value]int), outputs: make(map[int][]*value)}
	c.separate()
	c.mark()
	c.setLevels()
	c.setUses()
	return c.build()
}

// whole is a program without host calls.
type whole struct {
	compute.Executable
	backend *Backend
}

func (x *whole) Execute(inputs []compute.Buffer, donate []bool, d compute.DeviceNum) ([]compute.Buffer, error) {
	bare := make([]compute.Buffer, len(inputs))
	for i, in := range inputs {
		if bare[i] = inner(in); bare[i] == nil {
			return nil, fmt.Errorf("hostcall: input %d was finalized or donated", i)
		}
	}
	out, err := x.Executable.Execute(bare, donate, d)
	if err != nil {
		return nil, err
	}
	for i := range donate {
		if donate[i] {
			release(inputs[i])
		}
	}
	return x.backend.wrapAll(out), nil
}

// release forgets a buffer that was donated.
func release(b compute.Buffer) {
	if w, ok := b.(*buffer); ok {
		w.Buffer = nil
	}
}

// cut is the work of one Compile.
type cut struct {
	builder *builder
	returns []*value
	levels  int
	needed  map[*value]bool // results that somebody uses

	slots   map[*value]int   // of what crosses from stage to stage, or to host calls
	lastUse []int            // of each slot: a time
	outputs map[int][]*value // what each stage leaves for later
}

// separate makes the results of the program distinct, and none of them a parameter:
// the caller owns them all.
func (c *cut) separate() {
	main := c.builder.main
	taken := make(map[*value]bool)
	for _, v := range main.returns {
		if taken[v] || v.op.isParameter() {
			source := v
			o := main.add(&op{deps: []*value{source}, apply: func(f compute.Function, m mapper) ([]compute.Value, error) {
				return values(f.Identity(m.value(source)))
			}}, []compute.Value{source.shadow})
			v = o.results[0]
		}
		taken[v] = true
		c.returns = append(c.returns, v)
	}
}

// mark finds what the results of the program depend on. Operations are in an order in
// which each comes after its operands.
func (c *cut) mark() {
	c.needed = make(map[*value]bool)
	for _, v := range c.returns {
		c.needed[v] = true
	}
	for _, o := range slices.Backward(c.builder.main.ops) {
		for _, v := range o.results {
			o.live = o.live || c.needed[v]
		}
		if o.live {
			for _, d := range o.deps {
				c.needed[d] = true
			}
		}
	}
}

func (o *op) isParameter() bool { return o.apply == nil && o.host == nil }

// available is the first level whose stage can use v.
func available(v *value) int {
	if v.op.host != nil {
		return v.op.level + 1
	}
	return v.op.level
}

func (c *cut) setLevels() {
	for _, o := range c.builder.main.ops {
		if !o.live {
			continue
		}
		o.level = everywhere
		for _, d := range o.deps {
			o.level = max(o.level, available(d))
		}
		if o.host != nil || o.isParameter() {
			o.level = max(o.level, 0)
		}
		c.levels = max(c.levels, o.level+1)
		if o.host != nil {
			c.levels = max(c.levels, o.level+2)
		}
	}
	c.levels = max(c.levels, 1)
}

// setUses finds which values cross, and when each is read last.
func (c *cut) setUses() {
	for _, p := range c.builder.main.params { // all have a slot, used or not
		c.use(p, -1)
	}
	for _, o := range c.builder.main.ops {
		switch {
		case !o.live || o.isParameter() || o.level == everywhere:
		case o.host != nil:
			for _, d := range o.operands() {
				c.use(d, hostTime(o.level))
				c.leave(d)
			}
			for _, r := range o.results {
				if c.needed[r] && !o.isTicket(r) {
					c.use(r, hostTime(o.level))
				}
			}
		default:
			for _, d := range o.deps {
				c.useInStage(d, o.level)
			}
		}
	}
	for _, r := range c.returns {
		c.use(r, forever)
		c.leave(r)
	}
}

// operands are what a host call reads: not the ticket of a gradient.
func (o *op) operands() []*value {
	if o.host.forward != nil {
		return o.args[1:]
	}
	return o.args
}

// isTicket reports whether r is the ticket that a host call issues.
func (o *op) isTicket(r *value) bool {
	return o.host.forward == nil && r.index == len(o.results)-1
}

// useInStage notes that the stage of a level reads v.
func (c *cut) useInStage(v *value, level int) {
	if v.op.level == everywhere {
		return // nor does it need anything else
	}
	if v.op.isParameter() || v.op.host != nil || v.op.level < level {
		c.use(v, stageTime(level))
		c.leave(v)
	}
}

// use gives v a slot and notes a time at which it is read.
func (c *cut) use(v *value, time int) {
	i, ok := c.slots[v]
	if !ok {
		i = len(c.lastUse)
		c.slots[v] = i
		c.lastUse = append(c.lastUse, -1)
	}
	c.lastUse[i] = max(c.lastUse[i], time)
}

// leave makes v an output of the stage that computes it, the first one for what has no
// level.
func (c *cut) leave(v *value) {
	if v.op.isParameter() || v.op.host != nil {
		return
	}
	level := max(v.op.level, 0)
	if !slices.Contains(c.outputs[level], v) {
		c.outputs[level] = append(c.outputs[level], v)
	}
}

// build compiles the stages and lays down what an execution does.
func (c *cut) build() (compute.Executable, error) {
	b := c.builder
	x := &executable{backend: b.backend, name: b.name, slots: len(c.lastUse), devices: b.devices}
	for _, p := range b.main.params {
		x.names = append(x.names, p.op.name)
		x.inputs = append(x.inputs, p.op.shape)
		if c.lastUse[c.slots[p]] < 0 {
			x.unused = append(x.unused, c.slots[p])
		}
	}
	for _, r := range c.returns {
		s, err := b.Builder.OpShape(r.shadow)
		if err != nil {
			return nil, err
		}
		x.outputs = append(x.outputs, s)
		x.results = append(x.results, c.slots[r])
	}
	ops := make(map[*op]int)
	for level := range c.levels {
		l := &levelPlan{}
		if outs := c.outputs[level]; len(outs) > 0 {
			s, err := c.stage(level, outs)
			if err != nil {
				x.Finalize()
				return nil, fmt.Errorf("hostcall: stage %d of %q: %w", level, b.name, err)
			}
			l.stage = s
		}
		for _, o := range b.main.ops {
			if o.live && o.host != nil && o.level == level {
				h, err := c.hostPlan(o, ops)
				if err != nil {
					x.Finalize()
					return nil, err
				}
				l.hosts = append(l.hosts, h)
			}
		}
		l.free = c.freeAfter(level, l.stage)
		x.levels = append(x.levels, l)
	}
	x.ops = make([]func() Op, len(ops))
	for o, i := range ops {
		x.ops[i] = o.host.newOp
	}
	return x, nil
}

// freeAfter lists the slots that nobody reads after a level, but for those that its
// stage consumes.
func (c *cut) freeAfter(level int, s *stage) (free []int) {
	for i, t := range c.lastUse {
		if t != stageTime(level) && t != hostTime(level) {
			continue
		}
		if s != nil {
			if k := slices.Index(s.ins, i); k >= 0 && s.consume[k] {
				continue
			}
		}
		free = append(free, i)
	}
	return free
}

// hostPlan lays down a host call. ops numbers the calls that have an Op: a clone of a
// call has its own, and a gradient that of the call whose ticket it holds.
func (c *cut) hostPlan(o *op, ops map[*op]int) (*hostPlan, error) {
	h := &hostPlan{name: o.host.name}
	call := o
	if f := o.host.forward; f != nil {
		call, h.backward = o.args[0].op, true
		if call.host != f {
			return nil, fmt.Errorf("hostcall: internal: %s does not have the ticket of its call", h.name)
		}
	}
	if _, ok := ops[call]; !ok {
		ops[call] = len(ops)
	}
	h.op = ops[call]
	tensor := func(v *value) (Tensor, error) {
		s, err := c.builder.Builder.OpShape(v.shadow)
		return Tensor{Shape: s, Constant: v.op.level == everywhere}, err
	}
	for _, v := range o.operands() {
		t, err := tensor(v)
		if err != nil {
			return nil, err
		}
		h.in = append(h.in, operand{c.slots[v], t})
	}
	for _, v := range o.results {
		if o.isTicket(v) {
			h.keep = c.needed[v]
			continue
		}
		t, err := tensor(v)
		if err != nil {
			return nil, err
		}
		slot := -1
		if c.needed[v] {
			slot = c.slots[v]
		}
		t.Constant = false
		h.out = append(h.out, operand{slot, t})
	}
	if h.backward {
		// Forward's floating point results and operands; the others have no gradient.
		f := o.args[0].op
		h.in = spread(h.in, f.results[:len(f.results)-1], c)
		h.out = spread(h.out, f.args, c)
	}
	return h, nil
}

// spread puts the gradients of floating point values where those are among vs.
func spread(d []operand, vs []*value, c *cut) []operand {
	all := make([]operand, len(vs))
	for i, v := range vs {
		s := must(c.builder.Builder.OpShape(v.shadow))
		if s.DType.IsFloat() {
			all[i], d = d[0], d[1:]
		} else {
			all[i] = operand{slot: -1, tensor: Tensor{Shape: s}}
		}
	}
	return all
}

// must is for shapes that were asked for before.
func must(s shapes.Shape, err error) shapes.Shape {
	if err != nil {
		panic(err)
	}
	return s
}
