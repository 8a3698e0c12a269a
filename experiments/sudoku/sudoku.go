// Package sudoku learns the rules of 4×4 Sudoku from solved puzzles, as section
// 4.4 of OptNet (Amos and Kolter, 2017) does: the network is one quadratic
// program
//
//	z(x) = argmin ½ · 0.1 ‖z‖² − xᵀz   subject to   Az = b, z ≥ 0
//
// for a board x, one number for each cell and digit, in which A and b are
// learned, and nothing says what a row or a column is. [Run] trains it, or one
// of the paper's networks without such a layer; [Load] uses what came out.
package sudoku

import (
	"context"
	"fmt"
	"time"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// Config says what to train. The defaults: Nets optnet; 5 epochs; batches of 150; the
// LR of the paper, 0.1 for optnet and 0.001 for the others; Data, a file or folder for
// [ReadData], Puzzles generated from Seed.
type Config struct {
	lab.Config
	Puzzles int // default 10,000
	// KeepLast makes the parameters of an epoch those of its last step, as in
	// the paper. Otherwise those of optnet are the mean over its steps: at a
	// learning rate of 0.1 each step alone is noise of the size of the error.
	KeepLast bool
}

func (c *Config) normalize() error {
	if len(c.Nets) == 0 {
		c.Nets = []string{"optnet"}
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
	err := c.Check(lab.OneOf(Nets()))
	if err == nil && c.Puzzles < testShare {
		err = &lab.ValueError{Name: "puzzles", Value: c.Puzzles, Want: fmt.Sprintf("at least %d", testShare)}
	}
	if err != nil {
		return fmt.Errorf("sudoku: %w", err)
	}
	return nil
}

// run is one call of Run.
type run struct {
	cfg         Config
	out         lab.Folder
	report      lab.Report
	train, test *set
	result      *Result
	learned     []float64 // A
}

// Run trains the networks one after the other and writes what came out to the
// folder: metrics and a checkpoint after each epoch, the rest at the end. The
// parameters that count are of the epoch with the smallest training loss.
func Run(ctx context.Context, cfg Config, report lab.Report) (*Result, error) {
	began := time.Now()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	puzzles, err := cfg.puzzles()
	if err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, out: lab.Folder(cfg.Out), report: report}
	if err := r.out.Begin(cfg.Resume, MetricsFile, allFiles, Nets()); err != nil {
		return nil, err
	}
	r.train, r.test = split(puzzles)
	seen := r.test.seenCount()
	r.result = &Result{
		Experiment: "sudoku", Seed: cfg.Seed, Train: r.train.Len(), Test: r.test.Len(), TestSeen: seen,
		NetResult: unknown(""), Header: cfg.Header,
	}
	r.result.Header.Generator = "math/rand/v2 PCG"
	r.result.Header.DataSHA256 = hashData(puzzles)
	if report.Start != nil {
		from := fmt.Sprintf("generated from seed %d", cfg.Seed)
		if cfg.Data != "" {
			from = "from " + cfg.Data
		}
		report.Start(fmt.Sprintf("%d puzzles for training, %d for tests, %s\n%d of the test puzzles also occur in training", r.train.Len(), r.test.Len(), from, seen))
	}
	for _, net := range cfg.Nets {
		if err = r.trainNet(ctx, net); err != nil {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("sudoku: %w", err)
		if ctx.Err() == nil {
			return nil, err
		}
		r.result.Interrupted = true
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

func (r *run) trainNet(ctx context.Context, name string) error {
	net := networks[name]
	var qps gomlx.Counter
	job := &lab.Job{
		Experiment: "sudoku", Net: name, Seed: r.cfg.Seed, DType: net.dtype, Build: makeNet(name, &r.cfg, &qps), QPs: &qps,
		Train: batches{r.train, net.dtype}, Test: tests{batches{r.test, net.dtype}},
		Epochs: r.cfg.Epochs, Batch: r.cfg.Batch, LR: net.lr, Choose: true,
		Data: r.result.Header.DataSHA256, Other: fmt.Sprintf("keep last %v", r.cfg.KeepLast),
		Out: r.out, Resume: r.cfg.Resume, Backend: r.cfg.Backend, Report: r.report,
	}
	if r.cfg.LR > 0 {
		job.LR = r.cfg.LR
	}
	before := r.result.History
	keep := func(h []lab.Epoch) { r.result.History = append(before[:len(before):len(before)], h...) }
	job.Each = func(h []lab.Epoch) error {
		keep(h)
		return writeMetrics(r.out, r.result.History)
	}
	t, err := job.Run(ctx)
	if t == nil {
		return err
	}
	keep(t.History)
	n := netResult(t.History, name)
	if name == "optnet" {
		a, e := t.Network.Parameter("A")
		if err == nil {
			err = e
		}
		r.learned, n.RulesOverlap = a, overlap(a)
	}
	if r.result.Net == "" {
		r.result.NetResult = n
	} else {
		r.result.Others = append(r.result.Others, n)
	}
	return err
}

// finish computes the result and writes it, and the plots.
func (r *run) finish(began time.Time) error {
	res := r.result
	seconds := 0.0
	for _, e := range res.History { // of the first net, whose figures are at the top
		if e.Net == res.Net && e.Epoch > 0 && e.Ended() {
			res.Epochs++
			seconds += e.Seconds
		}
	}
	res.SecondsPerEpoch = lab.Ratio(seconds, res.Epochs)
	if err := writeMetrics(r.out, res.History); err != nil { // of what was resumed and had ended, too
		return err
	}
	if err := plotCurves(r.out, res.History, res.Train); err != nil {
		return err
	}
	if r.learned != nil {
		if err := plotRules(r.out, r.learned); err != nil {
			return err
		}
	}
	res.Seconds = time.Since(began).Seconds()
	return r.out.WriteJSON(ResultsFile, "\t", res)
}
