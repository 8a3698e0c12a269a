// Package sudoku learns the rules of 4×4 Sudoku from solved puzzles, as section
// 4.4 of OptNet (Amos and Kolter, 2017) does: the network is one quadratic
// program
//
//	z(x) = argmin ½ · 0.1 ‖z‖² − xᵀz   subject to   Az = b, z ≥ 0
//
// for a board x, one number for each cell and digit, in which A and b are
// learned, and nothing says what a row or a column is. [Run] trains it, or one
// of the paper's networks without such a layer; [Load] uses what came out.
//
// The quadratic program is solved and differentiated by package qp; Adam, and
// the other networks, are GoMLX's.
package sudoku

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optnet-go/optnet/experiments/lab"

	"github.com/optnet-go/optnet/qp"
)

// Config says what to train. Zero fields mean the defaults, except that an
// empty Out writes nothing.
type Config struct {
	Nets    []string // of [Nets]; default optnet
	Seed    uint64
	Epochs  int     // default 5
	Batch   int     // default 150
	LR      float64 // default: that of the paper, 0.1 for optnet and 0.001 for the others
	Data    string  // file or folder for [ReadData]; default: Puzzles generated from Seed
	Puzzles int     // default 10,000
	// KeepLast makes the parameters of an epoch those of its last step, as in
	// the paper. Otherwise those of optnet are the mean over its steps: at a
	// learning rate of 0.1 each step alone is noise of the size of the error.
	KeepLast bool
	Workers  int        // goroutines of the QP solver; 0: GOMAXPROCS. It changes no figure.
	Engine   qp.Engine  // of the QP solver; nil: the CPU
	Out      string     // folder for the files named in this package
	Resume   bool       // go on from the checkpoints in Out
	Header   lab.Header // what the caller knows; Run adds the rest
}

// Report has callbacks for what happens in a run; nil ones are not called.
type Report struct {
	Start func(Start)
	Step  func(Step)
	Epoch func(Epoch)
}

// Start says what the data are, before training.
type Start struct {
	Train, Test, TestSeen int
	Batches               int // of an epoch
}

// Step is one batch.
type Step struct {
	Net             string
	Epoch, Batch    int // Batch from 1 on
	Epochs, Batches int
	Loss            float64
}

// testShare is the part of the data kept for tests, the last one.
const testShare = 10

// CheckNets reports a name that is not one of [Nets], or there twice.
func (c *Config) CheckNets() error {
	for i, net := range c.Nets {
		if !slices.Contains(Nets(), net) {
			return fmt.Errorf("no network is called %q, want one of %s", net, strings.Join(Nets(), ", "))
		}
		if slices.Contains(c.Nets[:i], net) {
			return fmt.Errorf("network %s is named twice", net)
		}
	}
	return nil
}

func (c *Config) normalize() error {
	if len(c.Nets) == 0 {
		c.Nets = []string{"optnet"}
	}
	if err := c.CheckNets(); err != nil {
		return fmt.Errorf("sudoku: %w", err)
	}
	if c.Epochs == 0 {
		c.Epochs = 5
	}
	if c.Batch == 0 {
		c.Batch = 150
	}
	if c.Puzzles == 0 {
		c.Puzzles = 10000
	}
	switch {
	case c.Epochs < 0:
		return fmt.Errorf("sudoku: %d epochs, want 1 or more", c.Epochs)
	case c.Batch < 0:
		return fmt.Errorf("sudoku: batches of %d puzzles, want 1 or more", c.Batch)
	case !(c.LR >= 0) || c.LR > 1e6:
		return fmt.Errorf("sudoku: learning rate %v, want a positive number, 0.1 for example", c.LR)
	case c.Workers < 0:
		return fmt.Errorf("sudoku: %d workers, want 1 or more, or 0 for one a processor", c.Workers)
	case c.Resume && c.Out == "":
		return errors.New("sudoku: Resume without Out, want the folder of the training to go on with")
	case c.Puzzles < testShare:
		return fmt.Errorf("sudoku: %d puzzles, want at least %d", c.Puzzles, testShare)
	}
	return nil
}

// Run trains the networks one after the other and writes what came out to the
// folder: metrics and parameters after each epoch, the rest at the end.
func Run(ctx context.Context, cfg Config, report Report) (*Result, error) {
	began := time.Now()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	puzzles, err := cfg.puzzles()
	if err != nil {
		return nil, err
	}
	out := lab.Folder(cfg.Out)
	if err := out.Open(files(cfg.Resume)...); err != nil {
		return nil, err
	}
	set := split(puzzles)
	r := &run{cfg: cfg, out: out, report: report, set: set, batches: (set.train + cfg.Batch - 1) / cfg.Batch}
	r.result = &Result{Experiment: "sudoku", Seed: cfg.Seed, Train: set.train, Test: set.test, TestSeen: set.seenCount, Header: cfg.Header}
	r.result.Header.Generator = "math/rand/v2 PCG"
	r.result.Header.DataSHA256 = hashData(puzzles)
	if report.Start != nil {
		report.Start(Start{Train: set.train, Test: set.test, TestSeen: set.seenCount, Batches: r.batches})
	}

	for i, net := range cfg.Nets {
		if err = r.train(ctx, i, net); err != nil {
			break
		}
	}
	if err != nil && ctx.Err() != nil {
		r.result.Interrupted = true
		err = fmt.Errorf("sudoku: %w in epoch %d of %s, after %d of %d batches%s: %w", lab.ErrInterrupted,
			r.epoch.Epoch, r.epoch.Net, r.epoch.Batches, r.batches, out.Told(), context.Cause(ctx))
	}
	if err != nil && !r.result.Interrupted {
		return nil, err
	}
	if e := r.finish(began); err == nil {
		err = e
	}
	return r.result, err
}

func (c *Config) puzzles() ([]Puzzle, error) {
	if c.Data == "" {
		return Generate(c.Seed, c.Puzzles), nil
	}
	ps, err := ReadData(c.Data)
	if err != nil {
		return nil, err
	}
	if len(ps) < testShare {
		return nil, &lab.FileError{File: c.Data, Err: fmt.Errorf("%d puzzles, want at least %d: one in %d is kept for tests", len(ps), testShare, testShare)}
	}
	return ps, nil
}
