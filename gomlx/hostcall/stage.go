package hostcall

import (
	"errors"
	"fmt"

	"github.com/gomlx/compute"
)

// A stage is a part of a program that the backend behind has compiled.
type stage struct {
	exec    compute.Executable
	ins     []int  // slots
	consume []bool // of each of ins: it is not read again
	outs    []int
}

// stage builds and compiles the stage of a level, which leaves outs.
func (c *cut) stage(level int, outs []*value) (*stage, error) {
	b := c.builder
	inner := b.backend.Backend.Builder(fmt.Sprintf("%s#%d", b.name, level))
	if b.devices != nil {
		if err := inner.DeviceAssignment(b.devices...); err != nil {
			return nil, err
		}
	}
	s := &stage{}
	r := &replay{
		cut: c, level: level, stage: s, builder: inner,
		frames: map[*function]*frame{b.main: {inner.Main(), make(map[*value]compute.Value)}},
	}
	for _, o := range b.main.ops {
		if o.live && o.level == level && !o.isParameter() && o.host == nil {
			for _, d := range o.deps {
				r.declare(d)
			}
		}
	}
	for _, v := range outs {
		r.declare(v)
	}
	xs := make([]compute.Value, len(outs))
	for i, v := range outs {
		xs[i] = r.value(v)
		s.outs = append(s.outs, c.slots[v])
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := inner.Main().Return(xs, nil); err != nil {
		return nil, err
	}
	var err error
	s.exec, err = inner.Compile()
	return s, err
}

// replay builds one stage: it performs recorded operations, in the functions of the
// stage, when their results are asked for.
type replay struct {
	cut     *cut
	level   int
	stage   *stage
	builder compute.Builder
	frames  map[*function]*frame
	err     error // the first one
}

// A frame is what a recorded function is in the stage.
type frame struct {
	fn     compute.Function
	values map[*value]compute.Value
}

// declare makes what comes from outside of the stage a parameter of it, if v is that
// or needs it. Some backends want the parameters first.
func (r *replay) declare(v *value) {
	main := r.frames[r.cut.builder.main]
	if r.err != nil || main.values[v] != nil {
		return
	}
	o := v.op
	if !o.isParameter() && o.host == nil && (o.level == r.level || o.level == everywhere) {
		return
	}
	shape, err := r.cut.builder.Builder.OpShape(v.shadow)
	if err != nil {
		r.fail(err)
		return
	}
	slot := r.cut.slots[v]
	p, err := main.fn.Parameter(fmt.Sprintf("v%d", slot), shape, nil)
	if err != nil {
		r.fail(err)
		return
	}
	main.values[v] = p
	r.stage.ins = append(r.stage.ins, slot)
	r.stage.consume = append(r.stage.consume, r.cut.lastUse[slot] == stageTime(r.level))
}

func (r *replay) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

var errReplay = errors.New("internal: a value is used in a stage that does not have it")

// value returns what v is in the stage, and performs what that takes.
func (r *replay) value(v compute.Value) compute.Value {
	if v == nil || r.err != nil {
		return nil
	}
	x := v.(*value)
	f := r.frames[x.op.fn]
	if f == nil {
		r.fail(errReplay)
		return nil
	}
	if y, ok := f.values[x]; ok {
		return y
	}
	if x.op.apply == nil || x.op.fn == r.cut.builder.main && x.op.level != r.level && x.op.level != everywhere {
		r.fail(errReplay)
		return nil
	}
	r.perform(x.op, f)
	return f.values[x]
}

// perform does o and what it needs, in the order of recording, which is the order of
// their creation without a replay. It does not call itself along chains of operations,
// which can be long.
func (r *replay) perform(o *op, f *frame) {
	todo := []*op{o}
	for len(todo) > 0 && r.err == nil {
		o := todo[len(todo)-1]
		if _, done := f.values[o.results[0]]; done {
			todo = todo[:len(todo)-1]
			continue
		}
		ready := true
		for _, d := range o.deps {
			if _, ok := f.values[d]; !ok && d.op.fn == o.fn {
				if d.op.apply == nil {
					r.fail(errReplay)
					return
				}
				todo = append(todo, d.op)
				ready = false
			}
		}
		if !ready {
			continue
		}
		todo = todo[:len(todo)-1]
		xs, err := o.apply(f.fn, r)
		if err != nil {
			r.fail(err)
			return
		}
		for i, v := range o.results {
			f.values[v] = xs[i]
		}
	}
}

// function returns what a recorded function is in the stage, and builds it.
func (r *replay) function(g compute.Function) compute.Function {
	if r.err != nil {
		return nil
	}
	x := g.(*function)
	if f := r.frames[x]; f != nil {
		return f.fn
	}
	f := &frame{values: make(map[*value]compute.Value)}
	var err error
	if x.parent == nil {
		f.fn, err = r.builder.NewFunction(x.Name())
	} else if p := r.frames[x.parent]; p != nil {
		f.fn, err = p.fn.Closure()
	} else {
		err = errReplay
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	r.frames[x] = f
	for _, p := range x.params {
		if f.values[p], err = f.fn.Parameter(p.op.name, p.op.shape, nil); err != nil {
			r.fail(err)
			return nil
		}
	}
	xs := r.values(anys(x.returns))
	if r.err != nil {
		return nil
	}
	if err := f.fn.Return(xs, nil); err != nil {
		r.fail(err)
		return nil
	}
	return f.fn
}

func (r *replay) values(vs []compute.Value) []compute.Value { return mapValues(r, vs) }

func (r *replay) dimensions(ds []compute.DynamicDimensionSpec) []compute.DynamicDimensionSpec {
	return mapDimensions(r, ds)
}

func (r *replay) attention(c *compute.ScaledDotProductAttentionConfig) *compute.ScaledDotProductAttentionConfig {
	return mapAttention(r, c)
}

func (r *replay) quantization(q *compute.Quantization) *compute.Quantization {
	return mapQuantization(r, q)
}
