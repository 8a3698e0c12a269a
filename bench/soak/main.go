// Command soak solves and differentiates random batches of QPs, cone programs and
// compiled models, some elements of which are poisoned, on all cores for as long as it
// is told, and fails if an element ends in a way that it must not, or if the rate falls,
// memory grows or goroutines stay behind.
//
//	go run ./bench/soak -time 1h
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	span := flag.Duration("time", time.Hour, "how long")
	seed := flag.Uint64("seed", 1, "of the random problems")
	lines := flag.Int("lines", 20, "lines to print")
	keep := flag.String("keep", "", "folder for elements that end unsolved, as files for optnet solve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := soak(ctx, os.Stdout, *span, *lines, *seed, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// sample is the state of the process at the end of an interval.
type sample struct {
	rate       float64 // elements a second of processor time
	heap       uint64
	goroutines int
}

// kinds are what is soaked: each makes what one goroutine needs, and returns a function
// that draws a plan and works with it for a while.
var kinds = []struct {
	name string
	new  func(t *tally, rng *rand.Rand) func(ctx context.Context) error
}{
	{"qp", soakQP},
	{"conic", soakConic},
	{"layer", soakLayer},
}

// tally counts the elements of one kind: unsolved are clean ones that ended
// AlmostSolved, or after a numerical error, and poisoned ones without the proof that
// they are infeasible.
type tally struct {
	elements, poisoned, cut, unsolved atomic.Int64
	folder                            string
}

// end counts how an element ended. It is a fault if that is untrue.
func (t *tally) end(status string, bad *poison, cut bool, problem func() json.Marshaler) error {
	t.elements.Add(1)
	if bad != nil {
		t.poisoned.Add(1)
	}
	var wrong bool
	switch {
	case cut && status == "Canceled":
		t.cut.Add(1)
		return nil
	case bad != nil && bad.ends == nil, bad != nil && slices.Contains(bad.ends, status), bad == nil && status == "Solved":
		return nil
	case bad == nil:
		wrong = status != "AlmostSolved" && status != "NumericalError"
	default:
		wrong = status != "NumericalError" || slices.Contains(bad.ends, "InvalidInput")
	}
	k := t.unsolved.Add(1)
	name := "clean"
	if bad != nil {
		name = bad.name
	}
	if (wrong || k <= 100) && t.folder != "" && problem != nil {
		if err := t.save(fmt.Sprintf("%d %s %s.json", k, name, status), problem()); err != nil {
			return err
		}
	}
	if wrong {
		return fmt.Errorf("an element (%s) ended %s", name, status)
	}
	return nil
}

func (t *tally) save(name string, p json.Marshaler) error {
	text, err := p.MarshalJSON()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.folder, strings.ReplaceAll(name, " ", "-")), text, 0o644)
}

// rare is the share of elements that may end unsolved.
const rare = 1e-3

// poison is a way to spoil an element, with the statuses that it may then have; nil
// stands for any.
type poison struct {
	name string
	ends []string
}

var (
	wall     = time.Now()
	wallTime = func() time.Duration { return time.Since(wall) }
)

// soak works for the time given, in intervals, and compares them.
func soak(ctx context.Context, w io.Writer, span time.Duration, lines int, seed uint64, keep string) error {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(ctx, span)
	defer cancel()
	tallies := make([]tally, len(kinds))
	for i := range tallies {
		if keep != "" {
			tallies[i].folder = filepath.Join(keep, kinds[i].name)
			if err := os.MkdirAll(tallies[i].folder, 0o755); err != nil {
				return err
			}
		}
	}
	var fault atomic.Pointer[error]
	var all sync.WaitGroup
	for k := range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(k)))
			work := make([]func(context.Context) error, len(kinds))
			for i := range kinds {
				work[i] = kinds[i].new(&tallies[i], rng)
			}
			for ctx.Err() == nil {
				for i := range work {
					if err := work[i](ctx); err != nil && ctx.Err() == nil {
						err = fmt.Errorf("%s: %w", kinds[i].name, err)
						fault.CompareAndSwap(nil, &err)
						cancel()
						return
					}
				}
			}
		})
	}
	var samples []sample
	began, last, lastCount := time.Now(), cpuTime(), int64(0)
	tick := time.NewTicker(span / time.Duration(lines))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			n, text := int64(0), ""
			for i := range tallies {
				t := &tallies[i]
				n += t.elements.Load()
				text += fmt.Sprintf("; %s %d (%d poisoned, %d cut short, %d unsolved)", kinds[i].name, t.elements.Load(), t.poisoned.Load(), t.cut.Load(), t.unsolved.Load())
			}
			now := cpuTime()
			s := sample{float64(n-lastCount) / (now - last).Seconds(), m.HeapAlloc, runtime.NumGoroutine()}
			samples = append(samples, s)
			fmt.Fprintf(w, "%8s %8.0f s of processor time, %10d elements, %7.0f a second of it, heap %5.1f MB, %d goroutines%s\n",
				time.Since(began).Round(time.Second), now.Seconds(), n, s.rate, float64(s.heap)/1e6, s.goroutines, text)
			last, lastCount = now, n
		}
	}
	cancel()
	all.Wait()
	if err := fault.Load(); err != nil {
		return *err
	}
	for range 100 { // timers of contexts
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		return fmt.Errorf("%d goroutines are left, there were %d before", n, before)
	}
	for i := range tallies {
		if u, n := tallies[i].unsolved.Load(), tallies[i].elements.Load(); float64(u) > rare*float64(n)+3 {
			return fmt.Errorf("%s: %d of %d elements ended unsolved", kinds[i].name, u, n)
		}
	}
	return flat(samples)
}

// deadline is now and then a context that ends in the middle of a solve.
func deadline(ctx context.Context, rng *rand.Rand, most time.Duration) (context.Context, context.CancelFunc) {
	if rng.IntN(20) != 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(rng.Float64()*float64(most)))
}

// ended tells whether a derivative's error is that the soak is over.
func ended(ctx context.Context, err error) bool { return errors.Is(err, context.Cause(ctx)) }

// flat compares the first and the last third of the intervals, by their medians.
func flat(samples []sample) error {
	if len(samples) < 6 {
		return nil
	}
	third := len(samples) / 3
	first, end := samples[1:1+third], samples[len(samples)-third:] // the first interval warms up
	median := func(s []sample, f func(sample) float64) float64 {
		v := make([]float64, len(s))
		for i := range s {
			v[i] = f(s[i])
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	rate := func(s sample) float64 { return s.rate }
	heap := func(s sample) float64 { return float64(s.heap) }
	if a, b := median(first, rate), median(end, rate); b < 0.7*a {
		return fmt.Errorf("the rate fell from %.0f to %.0f elements a second", a, b)
	}
	if a, b := median(first, heap), median(end, heap); b > 1.2*a+4e6 {
		return fmt.Errorf("the heap grew from %.1f to %.1f MB", a/1e6, b/1e6)
	}
	return nil
}
