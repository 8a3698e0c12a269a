// Package denoise repeats section 4.2 of OptNet (Amos and Kolter, 2017): signals
// that are piecewise constant are freed from noise, by exact total-variation
// denoising, by a network of two layers, and by OptNet layers that learn the
// operator of total variation from nothing, or start from it and learn to do
// better. [Run] trains them on the paper's data, bit for bit; [Load] uses one.
package denoise

import (
	"context"
	"fmt"
	"time"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// Config says what to train. The defaults: Nets tuned; Epochs 200 for fc and 50 for
// the others; Batch 150; LR 1e-3 for fc and 2e-4 for tuned, from where it falls to 0
// along a cosine, and 1e-2 for learn-d (the paper has 1e-3, 1e-4 and 1e-2, all
// constant); Data, a file for [ReadSignals], Signals made as the paper does,
// whatever the Seed is.
type Config struct {
	lab.Config
	Signals int // default 10,000
}

// testShare is the part of the data kept for tests, the last one.
const testShare = 10

// minSignals is the least number of signals: one for tests.
const minSignals = testShare

func (c *Config) normalize() error {
	if len(c.Nets) == 0 {
		c.Nets = []string{"tuned"}
	}
	if c.Batch == 0 {
		c.Batch = 150
	}
	if c.Signals == 0 {
		c.Signals = 10000
	}
	err := c.Check(lab.OneOf(Nets()))
	if err == nil && c.Signals < minSignals {
		err = &lab.ValueError{Name: "signals", Value: c.Signals, Want: fmt.Sprintf("at least %d", minSignals)}
	}
	if err != nil {
		return fmt.Errorf("denoise: %w", err)
	}
	return nil
}

// TVResult is how exact total-variation denoising does.
type TVResult struct {
	Lambda   float64    `json:"lambda"` // the best on the test signals, as in the paper, of multiples of 0.1
	TrainMSE lab.Figure `json:"train_mse"`
	TestMSE  lab.Figure `json:"test_mse"`
	// Lambdas are 0, 1, ..., 100; TestMSEs belong to them.
	Lambdas  []float64    `json:"lambdas"`
	TestMSEs []lab.Figure `json:"test_mses"`
}

// NetResult is how one network did, at its last epoch.
type NetResult struct {
	Net        string     `json:"net"`
	Epochs     int        `json:"epochs"` // ended
	TrainMSE   lab.Figure `json:"train_mse"`
	TestMSE    lab.Figure `json:"test_mse"`
	Parameters int        `json:"parameters"`
	lab.Counts            // of the QPs in training, over all epochs
}

// Result is what a run comes to. The figures of the first network stand at the
// top.
type Result struct {
	Experiment      string     `json:"experiment"`
	Seed            uint64     `json:"seed"`
	Seconds         float64    `json:"seconds"`
	SecondsPerEpoch lab.Figure `json:"seconds_per_epoch"`
	NetResult
	Interrupted bool        `json:"interrupted"`
	Train       int         `json:"train"` // signals
	Test        int         `json:"test"`  // signals
	NoiseMSE    lab.Figure  `json:"noise_mse"`
	TV          TVResult    `json:"tv"`
	Others      []NetResult `json:"others,omitempty"`
	History     []lab.Epoch `json:"history"`
	Header      lab.Header  `json:"header"`
}

// run is one call of Run.
type run struct {
	cfg         Config
	out         lab.Folder
	report      lab.Report
	train, test *Signals
	result      *Result
	answers     map[string][]float64 // to the first test signals, by network
	learned     []float64            // D
}

// Run computes the baseline, trains the networks one after the other and writes
// what came out to the folder: metrics and a checkpoint after each epoch, the
// rest at the end.
func Run(ctx context.Context, cfg Config, report lab.Report) (*Result, error) {
	began := time.Now()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, out: lab.Folder(cfg.Out), report: report, answers: make(map[string][]float64)}
	if err := r.out.Begin(cfg.Resume, MetricsFile, allFiles, Nets()); err != nil {
		return nil, err
	}
	all, err := cfg.signals()
	if err != nil {
		return nil, err
	}
	n := all.Len() - all.Len()/testShare
	r.train, r.test = all.part(0, n), all.part(n, all.Len())
	r.result = &Result{
		Experiment: "denoise", Seed: cfg.Seed, Train: n, Test: all.Len() - n,
		NetResult: NetResult{TrainMSE: lab.None, TestMSE: lab.None},
		NoiseMSE:  lab.Figure(mse(r.test.X, r.test.Y)), TV: sweep(r.train, r.test), Header: cfg.Header,
	}
	h := &r.result.Header
	h.Generator, h.DataSHA256 = "numpy's MT19937 for the data, math/rand/v2 PCG for the parameters", all.hash()
	if report.Start != nil {
		report.Start(fmt.Sprintf("%d signals for training, %d for tests, with noise of mean square %.3f\nexact total variation: test MSE %.4f at λ = %.1f", n, all.Len()-n, r.result.NoiseMSE, r.result.TV.TestMSE, r.result.TV.Lambda))
	}
	for _, net := range cfg.Nets {
		if err = r.trainNet(ctx, net); err != nil {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("denoise: %w", err)
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

func (c *Config) signals() (*Signals, error) {
	if c.Data == "" {
		const paperSeed = 0
		return Generate(paperSeed, c.Signals), nil
	}
	s, err := ReadSignals(c.Data)
	if err == nil && s.Len() < minSignals {
		err = &lab.FileError{File: c.Data, Err: fmt.Errorf("%d signals, want at least %d: one in %d is kept for tests", s.Len(), minSignals, testShare)}
	}
	return s, err
}

// sweep tries λ = 0, 1, ..., 100, and around the best one in tenths.
func sweep(train, test *Signals) TVResult {
	r := TVResult{TestMSE: lab.None}
	try := func(lambda float64) lab.Figure {
		m := lab.Figure(test.tvMSE(lambda))
		if !(m >= r.TestMSE) {
			r.Lambda, r.TestMSE = lambda, m
		}
		return m
	}
	for k := range 101 {
		r.Lambdas = append(r.Lambdas, float64(k))
		r.TestMSEs = append(r.TestMSEs, try(float64(k)))
	}
	for center, k := r.Lambda, -9; k <= 9; k++ {
		if l := center + float64(k)/10; l >= 0 {
			try(l)
		}
	}
	r.TrainMSE = lab.Figure(train.tvMSE(r.Lambda))
	return r
}

func (r *run) trainNet(ctx context.Context, name string) error {
	net := networks[name]
	var qps gomlx.Counter
	job := &lab.Job{
		Experiment: "denoise", Net: name, Seed: r.cfg.Seed, DType: net.dtype, QPs: &qps,
		Build: func(v *lab.Vars) lab.Net { return net.build(v, &r.cfg, &qps) },
		Train: batches{r.train, net.dtype}, Test: batches{r.test, net.dtype},
		Epochs: net.epochs, Batch: r.cfg.Batch, LR: net.lr, Decay: net.decay,
		Data: r.result.Header.DataSHA256, Out: r.out, Resume: r.cfg.Resume, Backend: r.cfg.Backend, Report: r.report,
	}
	if r.cfg.Epochs > 0 {
		job.Epochs = r.cfg.Epochs
	}
	if r.cfg.LR > 0 {
		job.LR = r.cfg.LR
	}
	before := r.result.History
	job.Each = func(h []lab.Epoch) error {
		r.result.History = append(before[:len(before):len(before)], h...)
		return r.writeMetrics()
	}
	t, err := job.Run(ctx)
	if t == nil {
		return err
	}
	r.result.History = append(before[:len(before):len(before)], t.History...)
	n := NetResult{Net: name, TrainMSE: lab.None, TestMSE: lab.None, Parameters: t.Network.Vars.Count()}
	for _, e := range t.History {
		n.Counts.Add(e.Counts)
	}
	if e := t.Last(); e != nil {
		n.Epochs, n.TrainMSE, n.TestMSE = e.Epoch, e.Train.MSE, e.Test.MSE
	}
	if r.result.Net == "" {
		r.result.NetResult = n
	} else {
		r.result.Others = append(r.result.Others, n)
	}
	if err != nil {
		return err
	}
	x, _ := batches{r.test, net.dtype}.Batch([]int{0, 1, 2, 3}[:min(shown, r.test.Len())])
	if r.answers[name], _, err = t.Network.Evaluate(x); err != nil {
		return err
	}
	if name == "learn-d" {
		r.learned, err = t.Network.Parameter("D")
	}
	return err
}

// shown is the number of test signals that are drawn.
const shown = 4

// finish computes the result and writes it, and the plots.
func (r *run) finish(began time.Time) error {
	res := r.result
	seconds, epochs := 0.0, 0
	for _, e := range res.History { // of the first net, whose figures are at the top
		if e.Net == res.Net && e.Epoch > 0 && e.Ended() {
			seconds += e.Seconds
			epochs++
		}
	}
	res.SecondsPerEpoch = lab.Ratio(seconds, epochs)
	if err := r.writeMetrics(); err != nil { // of what was resumed and had ended, too
		return err
	}
	if err := r.plots(); err != nil {
		return err
	}
	res.Seconds = time.Since(began).Seconds()
	return r.out.WriteJSON(ResultsFile, "\t", res)
}
