package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/qp"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// training is what the commands that train have in common: the flags, how
// progress is shown, and what is printed at the end.
type training struct {
	seed          uint64
	epochs, batch int
	lr            float64
	data, out     string
	workers       int
	backend       string
	device        string
	engine        qp.Engine // of the device
	nets          []string
	resume        bool
	asJSON, quiet bool
}

// add adds the flags that all experiments have. Usages that differ are given.
func (t *training) add(f *pflag.FlagSet, epochs, batch, lr, nets string) {
	f.SortFlags = false
	f.Uint64Var(&t.seed, "seed", t.seed, "seed of the first parameters, and of the order of the examples where it is random")
	f.IntVar(&t.epochs, "epochs", 0, epochs)
	f.IntVar(&t.batch, "batch", 0, batch)
	f.Float64Var(&t.lr, "lr", 0, lr)
	f.StringSliceVar(&t.nets, "net", t.nets, nets)
	f.StringVar(&t.out, "out", t.out, "folder for the results; what a run left there is replaced")
	f.BoolVar(&t.resume, "resume", false, "go on from the checkpoints in the folder for the results, to the same result")
	f.IntVar(&t.workers, "workers", 0, "goroutines of the QP solver, 0: one a processor; they change no figure")
	f.StringVar(&t.backend, "backend", "go", "backend of GoMLX for all but the QPs; xla:cuda and others need a build with -tags xla")
	f.StringVar(&t.device, "device", "cpu", "device of the QP solver: cpu, cuda:0, or cuda:0,1 for several")
	f.BoolVar(&t.asJSON, "json", false, "print one JSON object at the end, and all else to standard error")
	f.BoolVar(&t.quiet, "quiet", false, "print only the end")
}

// check looks for values that no run can have.
func (t *training) check(f *pflag.FlagSet) error {
	switch {
	case f.Changed("epochs") && t.epochs < 1:
		return usagef("--epochs is %d, want 1 or more", t.epochs)
	case f.Changed("batch") && t.batch < 1:
		return usagef("--batch is %d, want 1 or more", t.batch)
	case !(t.lr >= 0) || t.lr > 1e6:
		return usagef("--lr is %v, want a positive number, or 0 for the default", t.lr)
	case t.workers < 0:
		return usagef("--workers is %d, want 1 or more, or 0 for one a processor", t.workers)
	case t.out == "":
		return usagef("--out is empty, want a folder")
	case f.Changed("data") && t.data == "":
		return usagef("--data is empty, want a file or a folder; leave it out for the default")
	}
	var err error
	t.engine, err = openDevice(t.device)
	return err
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
	if err != nil {
		return err
	}
	if t.asJSON {
		return writeJSON(cmd.OutOrStdout(), result)
	}
	summarize(cmd.OutOrStdout())
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "results in %s\n", t.out)
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
			fmt.Fprintf(&b, " %s loss %.5f, error %s;", m.set, float64(m.of.Loss), m.of.Error.Percent())
		default:
			fmt.Fprintf(&b, " %s MSE %.5g;", m.set, float64(m.of.MSE))
		}
	}
	fmt.Fprintf(&b, " %.2f s", e.Seconds)
	if c := e.Counts; c.Unsolved+c.AlmostSolved+c.Zeroed+e.InTest.Unsolved > 0 {
		fmt.Fprintf(&b, "; QPs unsolved %d, of reduced accuracy %d, without gradient %d, unsolved in tests %d", c.Unsolved, c.AlmostSolved, c.Zeroed, e.InTest.Unsolved)
	}
	fmt.Fprintln(p.lines, b.String())
}
