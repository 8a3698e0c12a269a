package qp

import "context"

// Engine runs batches. The CPU engine is the default; package cuda has another.
// [Solver] and [Solution] check lengths and grow destinations before an engine
// sees them.
type Engine interface {
	Plan(sh Shape, opt *Options) (Plan, error)
}

// Plan is an engine's preparation for one Shape. It is safe for concurrent use.
type Plan interface {
	// NewState returns the memory of one Solution, which grows as batches come.
	NewState() (State, error)
	// Bytes is what that memory holds at most after Grow, by place.
	Bytes(size int, want Output) (host, device int64)
	// Method tells the elimination chosen, and why.
	Method() string
}

// State is a Solution's memory on the engine. Its methods do the work of
// [Solver.Solve], [Solution.VJP] and [Solution.JVP].
type State interface {
	// Grow makes room for batches of up to size elements, and keeps what is there.
	Grow(size int, want Output) error
	Solve(ctx context.Context, dst *Solution, b *Batch) error
	// VJP finds the arrays of dst as long as they have to be, and overwrites them
	// unless dst.Add.
	VJP(ctx context.Context, dst *Gradient, up *Point) error
	JVP(ctx context.Context, dst *Tangent, dir *Data) error
	Close() error
}
