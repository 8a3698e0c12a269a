package cuda

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/optnet-go/optnet/qp"
)

// state is a Solution's memory: a part on each device.
type state struct {
	plan  *plan
	parts []*share
	size  int
	trace sync.Mutex // of the callbacks
	lens  [numCoef]int
}

func newState(p *plan) (*state, error) {
	s := &state{plan: p}
	if len(p.engine.gpus) == 0 {
		return nil, errClosed
	}
	for _, g := range p.engine.gpus {
		d, err := newShare(s, g)
		s.parts = append(s.parts, d)
		if err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

// each runs f for every device that has elements, at the same time. Where f fails,
// what it began has come to its end when each returns.
func (s *state) each(size int, f func(d *share, from, to int) error) error {
	if len(s.parts) == 1 {
		return s.parts[0].run(0, size, f)
	}
	errs := make([]error, len(s.parts))
	var wait sync.WaitGroup
	for k, d := range s.parts {
		from, to := span(size, k, len(s.parts)) // sums do not depend on how many there are
		wait.Go(func() { errs[k] = d.run(from, to, f) })
	}
	wait.Wait()
	return errors.Join(errs...)
}

func (d *share) run(from, to int, f func(d *share, from, to int) error) error {
	if err := d.Enter(); err != nil {
		return err
	}
	defer d.Leave()
	err := f(d, from, to)
	if err != nil {
		d.uploads.forget()
		d.downloads.forget()
		for _, s := range d.streams {
			s.Wait()
		}
	}
	d.bags[0].used = 0
	return err
}

// Grow implements [qp.State].
func (s *state) Grow(size int, want qp.Output) error {
	return s.each(size, func(d *share, from, to int) error {
		return d.keeping(func() error {
			for k := range d.cols {
				if one := coefs[k].len(s.plan.sh); one > 0 {
					if err := d.cols[k].reserve(d, to-from, one); err != nil {
						return err
					}
				}
			}
			return d.room(to-from, to-from, want, s.plan.opt.Trace != nil)
		})
	})
}

// Solve implements [qp.State].
func (s *state) Solve(ctx context.Context, dst *qp.Solution, b *qp.Batch) error {
	s.size = b.Size
	var deadline time.Time
	if limit := s.plan.opt.TimeLimit; limit > 0 {
		deadline = time.Now().Add(limit)
	}
	for k := range coefs {
		if one := coefs[k].len(s.plan.sh); one > 0 && b.Keep&(1<<k) == 0 {
			s.lens[k] = len(*coefs[k].of(&b.Data))
		}
	}
	err := s.each(b.Size, func(d *share, from, to int) error { return d.solve(ctx, deadline, dst, b, from, to) })
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return fmt.Errorf("cuda: solving: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("cuda: solving: %w", err)
	}
	return nil
}

// shared says whether the batch shares coefficient k. In a batch of one the value is
// the element's own, as on the CPU.
func (s *state) shared(k int) bool {
	return s.size != 1 && s.lens[k] == coefs[k].len(s.plan.sh)
}

// VJP implements [qp.State].
func (s *state) VJP(ctx context.Context, dst *qp.Gradient, up *qp.Point) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cuda: differentiating: %w", context.Cause(ctx))
	}
	err := s.each(s.size, func(d *share, from, to int) error { return d.vjp(ctx, dst, up) })
	if err != nil {
		return fmt.Errorf("cuda: differentiating: %w", err)
	}
	s.combine(dst)
	return nil
}

// wants says whether the gradient of coefficient k is asked for.
func wants(g *qp.Gradient, k int) bool { return g.Want == 0 || g.Want&(1<<k) != 0 }

// combine adds up the gradients of what the batch shares: chunk by chunk, and then
// the elements that the CPU differentiated, in their order.
func (s *state) combine(dst *qp.Gradient) {
	for k := range coefs {
		one := coefs[k].len(s.plan.sh)
		if one == 0 || !s.shared(k) || !wants(dst, k) || s.plan.sh.absent(k) {
			continue
		}
		g := *coefs[k].of(&dst.Data)
		if !dst.Add {
			clear(g)
		}
		for _, d := range s.parts {
			for c := 0; c < len(d.sums[k]); c += one {
				for i, v := range d.sums[k][c : c+one] {
					g[i] += v
				}
			}
		}
		for late := range 2 { // one kind after the other, whatever the number of devices
			for _, d := range s.parts {
				h := [...]*handed{&d.back, &d.second}[late]
				if len(h.list) == 0 {
					continue
				}
				part := *coefs[k].of(&h.grad.Data)
				for c := 0; c < len(h.list)*one; c += one {
					for i, v := range part[c : c+one] {
						g[i] += v
					}
				}
			}
		}
	}
}

// JVP implements [qp.State].
func (s *state) JVP(ctx context.Context, dst *qp.Tangent, dir *qp.Data) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("cuda: differentiating: %w", context.Cause(ctx))
	}
	err := s.each(s.size, func(d *share, from, to int) error { return d.jvp(ctx, dst, dir) })
	if err != nil {
		return fmt.Errorf("cuda: differentiating: %w", err)
	}
	return nil
}

// Close implements [qp.State].
func (s *state) Close() error {
	var errs []error
	for _, d := range s.parts {
		errs = append(errs, d.on(d.close))
	}
	return errors.Join(errs...)
}
