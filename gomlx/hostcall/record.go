package hostcall

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/notimplemented"
	"github.com/gomlx/compute/shapes"
)

// builder records a program. A shadow of it is built with the backend behind at the
// same time: it knows the shapes, finds mistakes where they are made, and is what
// runs if the program has no host call.
type builder struct {
	compute.Builder // the shadow
	backend         *Backend
	name            string
	main            *function
	hosts           int
	sharded         bool
	devices         []compute.DeviceNum
}

func newBuilder(b *Backend, name string) *builder {
	s := b.Backend.Builder(name)
	r := &builder{Builder: s, backend: b, name: name}
	r.main = &function{builder: r, shadow: s.Main()}
	return r
}

func (b *builder) Name() string           { return b.name }
func (b *builder) Main() compute.Function { return b.main }

func (b *builder) OpShape(v compute.Value) (shapes.Shape, error) {
	x, err := b.own(v)
	if err != nil {
		return shapes.Shape{}, err
	}
	return b.Builder.OpShape(x.shadow)
}

func (b *builder) NewFunction(name string) (compute.Function, error) {
	s, err := b.Builder.NewFunction(name)
	if err != nil {
		return nil, err
	}
	return &function{builder: b, shadow: s, host: b.backend.pending.take(name)}, nil
}

func (b *builder) DistributedSPMD(n int) error {
	b.sharded = true
	return b.Builder.DistributedSPMD(n)
}

func (b *builder) DistributedAutoSharding(m ...compute.Mesh) error {
	b.sharded = true
	return b.Builder.DistributedAutoSharding(m...)
}

func (b *builder) DeviceAssignment(d ...compute.DeviceNum) error {
	b.devices = slices.Clone(d)
	return b.Builder.DeviceAssignment(d...)
}

// own returns v as a value of this program.
func (b *builder) own(v compute.Value) (*value, error) {
	x, ok := v.(*value)
	if !ok || x.op.fn.builder != b {
		return nil, fmt.Errorf("hostcall: a %T is not a value of the program %q", v, b.name)
	}
	return x, nil
}

// A value is a result of an operation.
type value struct {
	op     *op
	index  int // among the results
	shadow compute.Value
}

// An op is one recorded operation.
type op struct {
	fn      *function
	apply   apply        // does it again; nil for parameters and host calls
	name    string       // of a parameter
	shape   shapes.Shape // of a parameter
	host    *host        // a host call
	args    []*value     // of a host call
	results []*value

	// What the operation needs of the functions around: its operands, and what the
	// closures that it is given capture. For an operation of main all are main's.
	deps []*value

	live  bool // a result of the program depends on it
	level int  // see cut
}

// apply performs an operation in a function of the backend behind; m says what the
// recorded values and functions are there.
type apply func(f compute.Function, m mapper) ([]compute.Value, error)

// A function is a recorded function: main, a named one, or a closure.
type function struct {
	notimplemented.Function // operations that a later version of GoMLX may add

	builder  *builder
	shadow   compute.Function
	parent   *function // of a closure
	host     *host     // this stands for a host call, which is not in its body
	params   []*value
	ops      []*op
	returns  []*value
	captures []*value // of the functions around
}

var _ compute.Function = (*function)(nil)

func (f *function) Name() string             { return f.shadow.Name() }
func (f *function) Builder() compute.Builder { return f.builder }

func (f *function) Parent() compute.Function {
	if f.parent == nil {
		return nil
	}
	return f.parent
}

func (f *function) Closure() (compute.Function, error) {
	s, err := f.shadow.Closure()
	if err != nil {
		return nil, err
	}
	return &function{builder: f.builder, shadow: s, parent: f}, nil
}

func (f *function) Shape(v compute.Value) (shapes.Shape, error) {
	x, err := f.builder.own(v)
	if err != nil {
		return shapes.Shape{}, err
	}
	return f.shadow.Shape(x.shadow)
}

func (f *function) Parameter(name string, s shapes.Shape, sharding *compute.ShardingSpec) (compute.Value, error) {
	x, err := f.shadow.Parameter(name, s, sharding)
	if err != nil {
		return nil, err
	}
	o := f.add(&op{name: name, shape: s}, []compute.Value{x})
	f.params = append(f.params, o.results[0])
	return o.results[0], nil
}

func (f *function) Constant(flat any, dims ...int) (compute.Value, error) {
	flat, dims = cloneAny(flat), slices.Clone(dims)
	return one(f.record(func(g compute.Function, _ mapper) ([]compute.Value, error) {
		return values(g.Constant(flat, dims...))
	}))
}

func (f *function) Return(outputs []compute.Value, sharding []*compute.ShardingSpec) error {
	m := &recorder{fn: f}
	xs := m.values(outputs)
	if m.err != nil {
		return m.err
	}
	if err := f.shadow.Return(xs, sharding); err != nil {
		return err
	}
	f.returns = m.seen
	f.capture(m.seen)
	return nil
}

func (f *function) Call(fn compute.Function, in ...compute.Value) ([]compute.Value, error) {
	callee, ok := fn.(*function)
	if !ok {
		return nil, fmt.Errorf("hostcall: Call of a %T, which is not a function of the program %q", fn, f.builder.name)
	}
	in = slices.Clone(in)
	if callee.host == nil {
		return f.record(func(g compute.Function, m mapper) ([]compute.Value, error) {
			return g.Call(m.function(callee), m.values(in)...)
		})
	}
	if f != f.builder.main {
		return nil, fmt.Errorf("hostcall: host call %q in a function or closure: it can only stand in the main function", callee.host.name)
	}
	m := &recorder{fn: f}
	xs := m.values(in)
	if m.err != nil {
		return nil, m.err
	}
	for i, x := range xs {
		s, err := f.builder.Builder.OpShape(x)
		if err != nil {
			return nil, err
		}
		if s.IsDynamic() {
			return nil, fmt.Errorf("hostcall: operand %d of host call %q has the shape %s: dynamic shapes are not supported", i, callee.host.name, s)
		}
	}
	rs, err := f.shadow.Call(callee.shadow, xs...)
	if err != nil {
		return nil, err
	}
	f.builder.hosts++
	return anys(f.add(&op{host: callee.host, args: m.seen, deps: m.seen}, rs).results), nil
}

// record performs an operation in the shadow and notes it.
func (f *function) record(a apply) ([]compute.Value, error) {
	m := &recorder{fn: f}
	rs, err := a(f.shadow, m)
	if m.err != nil {
		return nil, m.err
	}
	if err != nil {
		return nil, err
	}
	f.capture(m.seen)
	return anys(f.add(&op{apply: a, deps: m.seen}, rs).results), nil
}

// add appends an operation with its results.
func (f *function) add(o *op, rs []compute.Value) *op {
	o.fn = f
	for i, r := range rs {
		o.results = append(o.results, &value{o, i, r})
	}
	f.ops = append(f.ops, o)
	return o
}

// capture notes the values that are not the function's own.
func (f *function) capture(vs []*value) {
	for _, v := range vs {
		if v.op.fn != f && !slices.Contains(f.captures, v) {
			f.captures = append(f.captures, v)
		}
	}
}

// A mapper says what the values and functions of a recorded program are in the
// program that an operation is performed in.
type mapper interface {
	value(compute.Value) compute.Value // nil remains nil
	function(compute.Function) compute.Function
	values([]compute.Value) []compute.Value
	dimensions([]compute.DynamicDimensionSpec) []compute.DynamicDimensionSpec
	attention(*compute.ScaledDotProductAttentionConfig) *compute.ScaledDotProductAttentionConfig
	quantization(*compute.Quantization) *compute.Quantization
}

// recorder maps to the shadow, and collects what it is asked for.
type recorder struct {
	fn   *function
	seen []*value
	err  error
}

func (m *recorder) value(v compute.Value) compute.Value {
	if v == nil {
		return nil
	}
	x, err := m.fn.builder.own(v)
	if err != nil {
		m.err = errors.Join(m.err, err)
		return nil
	}
	m.seen = append(m.seen, x)
	return x.shadow
}

func (m *recorder) function(f compute.Function) compute.Function {
	x, ok := f.(*function)
	if !ok || x.builder != m.fn.builder {
		m.err = errors.Join(m.err, fmt.Errorf("hostcall: a %T is not a function of the program %q", f, m.fn.builder.name))
		return nil
	}
	m.seen = append(m.seen, x.captures...)
	return x.shadow
}

func (m *recorder) values(vs []compute.Value) []compute.Value { return mapValues(m, vs) }

func (m *recorder) dimensions(ds []compute.DynamicDimensionSpec) []compute.DynamicDimensionSpec {
	return mapDimensions(m, ds)
}

func (m *recorder) attention(c *compute.ScaledDotProductAttentionConfig) *compute.ScaledDotProductAttentionConfig {
	return mapAttention(m, c)
}

func (m *recorder) quantization(q *compute.Quantization) *compute.Quantization {
	return mapQuantization(m, q)
}

func mapValues(m mapper, vs []compute.Value) []compute.Value {
	if vs == nil {
		return nil
	}
	xs := make([]compute.Value, len(vs))
	for i, v := range vs {
		xs[i] = m.value(v)
	}
	return xs
}

func mapDimensions(m mapper, ds []compute.DynamicDimensionSpec) []compute.DynamicDimensionSpec {
	ds = slices.Clone(ds)
	for i := range ds {
		ds[i].Value = m.value(ds[i].Value)
	}
	return ds
}

func mapAttention(m mapper, c *compute.ScaledDotProductAttentionConfig) *compute.ScaledDotProductAttentionConfig {
	if c == nil {
		return nil
	}
	d := *c
	d.QuerySeqLen, d.KeyValueSeqLen = m.value(c.QuerySeqLen), m.value(c.KeyValueSeqLen)
	d.Bias, d.Mask = m.value(c.Bias), m.value(c.Mask)
	return &d
}

func mapQuantization(m mapper, q *compute.Quantization) *compute.Quantization {
	if q == nil {
		return nil
	}
	r := *q
	r.Scale, r.ZeroPoint = m.value(q.Scale), m.value(q.ZeroPoint)
	return &r
}

// values, one and anys convert between the forms in which results come.
func values(v compute.Value, err error) ([]compute.Value, error) {
	return []compute.Value{v}, err
}

func one(vs []compute.Value, err error) (compute.Value, error) {
	if err != nil {
		return nil, err
	}
	return vs[0], nil
}

func anys(vs []*value) []compute.Value {
	xs := make([]compute.Value, len(vs))
	for i, v := range vs {
		xs[i] = v
	}
	return xs
}

// cloneAny copies a slice of any type.
func cloneAny(flat any) any {
	v := reflect.ValueOf(flat)
	if v.Kind() != reflect.Slice {
		return flat
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(c, v)
	return c.Interface()
}
