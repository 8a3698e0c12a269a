package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// training is what the commands that train have in common: the flags, how
// progress is shown, and what is printed at the end.
type training struct {
	cfg           lab.Config
	device, qps   string
	asJSON, quiet bool
}

// add adds the flags that all experiments have. Usages that differ are given; the
// values in t.cfg are defaults.
func (t *training) add(f *pflag.FlagSet, epochs, batch, lr, nets, data string) {
	c := &t.cfg
	f.SortFlags = false
	f.Uint64Var(&c.Seed, "seed", c.Seed, "seed of the first parameters, and of what else is random")
	f.IntVar(&c.Epochs, "epochs", c.Epochs, epochs)
	f.IntVar(&c.Batch, "batch", c.Batch, batch)
	f.Float64Var(&c.LR, "lr", c.LR, lr)
	f.StringSliceVar(&c.Nets, "net", c.Nets, nets)
	if data != "" {
		f.StringVar(&c.Data, "data", "", data)
	}
	f.StringVar(&c.Out, "out", c.Out, "folder for the results; what a run left there is replaced")
	f.BoolVar(&c.Resume, "resume", false, "go on from the checkpoints in the folder for the results, to the same result")
	f.IntVar(&c.Workers, "workers", 0, "goroutines of the QP solver, 0: one a processor; they change no figure")
	f.StringVar(&c.Backend, "backend", "go", "backend of GoMLX for all but the QPs; xla:cuda and others need a build with -tags xla")
	f.StringVar(&t.qps, "qp", "host", "where QPs are computed: host, by the solver, or graph, by operations of the backend")
	f.StringVar(&t.device, "device", "cpu", "device of the QP solver: cpu, cuda:0, or cuda:0,1 for several")
	f.BoolVar(&t.asJSON, "json", false, "print one JSON object at the end, and all else to standard error")
	f.BoolVar(&t.quiet, "quiet", false, "print only the end")
}

// config returns what the flags say. What no run can have is found here as far as
// a zero that was given is not the default that it stands for, and else by
// [lab.Config.Check].
func (t *training) config(f *pflag.FlagSet) (c lab.Config, err error) {
	for _, x := range []struct{ name, want string }{
		{"epochs", "1 or more"}, {"batch", "1 or more"}, {"seeds", "1 or more"}, {"signals", "at least 10"}, {"qp-rate", "a positive number"},
	} {
		if v := f.Lookup(x.name); v != nil && v.Changed && v.Value.String() == "0" {
			return c, usagef("--%s is 0, want %s; leave it out for the default", x.name, x.want)
		}
	}
	for _, name := range []string{"out", "data"} {
		if v := f.Lookup(name); v != nil && v.Value.String() == "" && (name == "out" || v.Changed) {
			return c, usagef("--%s is empty, want a file or a folder; leave it out for the default", name)
		}
	}
	c = t.cfg
	switch t.qps {
	case "host":
		c.Way = gomlx.Host
	case "graph":
		c.Way = gomlx.InGraph
	default:
		return c, usagef("--qp is %q, want host or graph", t.qps)
	}
	if c.Engine, err = openDevice(t.device); err != nil {
		return c, err
	}
	c.Header = header(f, t.device)
	return c, nil
}

// run trains. The result is printed as JSON, or as summarize does it.
func (t *training) run(cmd *cobra.Command, train func(lab.Report) (result any, err error), summarize func(io.Writer)) error {
	lines := cmd.OutOrStdout()
	if t.asJSON {
		lines = cmd.ErrOrStderr()
	}
	show := &epochs{lines: lines}
	if t.quiet {
		show.lines = io.Discard
	} else {
		show.bars = newBars(cmd.ErrOrStderr())
	}
	result, err := train(lab.Report{Start: show.start, Step: show.step, Epoch: show.epoch})
	show.end()
	var v *lab.ValueError
	if errors.As(err, &v) {
		return usagef("--%w", v)
	}
	if err != nil {
		return err
	}
	if t.asJSON {
		return writeJSON(cmd.OutOrStdout(), result)
	}
	summarize(cmd.OutOrStdout())
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "results in %s\n", t.cfg.Out)
	return err
}

// epochs shows a training: a bar for the epoch at hand, a line for each that has
// ended.
type epochs struct {
	lines io.Writer
	bars  *bars
	bar   *progressbar.ProgressBar
}

func (p *epochs) start(text string) { fmt.Fprintln(p.lines, text) }

func (p *epochs) step(s lab.Step) {
	if p.bars == nil {
		return
	}
	if p.bar == nil {
		p.bar = p.bars.start("", s.Batches)
	}
	p.bar.Describe(fmt.Sprintf("%s epoch %d of %d, loss %.4g", s.Net, s.Epoch, s.Epochs, s.Loss))
	p.bar.Add(1)
	if s.Batch == s.Batches {
		p.end()
	}
}

// end takes the bar away.
func (p *epochs) end() {
	if p.bar != nil {
		p.bar.Clear()
		p.bar.Exit()
		p.bar = nil
	}
}

func (p *epochs) epoch(e lab.Epoch) {
	p.end()
	var b strings.Builder
	fmt.Fprintf(&b, "%s, seed %d, epoch %d:", e.Net, e.Seed, e.Epoch)
	for _, m := range []struct {
		set string
		of  lab.Measured
	}{{"train", e.Train}, {"test", e.Test}} {
		switch {
		case !m.of.Loss.Known():
		case m.of.Error.Known():
			fmt.Fprintf(&b, " %s loss %.5f, error %s", m.set, float64(m.of.Loss), m.of.Error.Percent())
			if m.of.Unseen.Known() {
				fmt.Fprintf(&b, " (unseen %s)", m.of.Unseen.Percent())
			}
			b.WriteByte(';')
		default:
			fmt.Fprintf(&b, " %s MSE %.5g;", m.set, float64(m.of.MSE))
		}
	}
	if e.Last.Error.Known() {
		fmt.Fprintf(&b, " at the last step %s;", e.Last.Error.Percent())
	}
	fmt.Fprintf(&b, " %.2f s", e.Seconds)
	if c := e.Counts; c.Unsolved+c.AlmostSolved+c.Zeroed+e.InTest.Unsolved > 0 {
		fmt.Fprintf(&b, "; QPs unsolved %d, of reduced accuracy %d, without gradient %d, unsolved in tests %d", c.Unsolved, c.AlmostSolved, c.Zeroed, e.InTest.Unsolved)
	}
	fmt.Fprintln(p.lines, b.String())
}
