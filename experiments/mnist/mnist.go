// Package mnist repeats the classification of section 4.3 of OptNet (Amos and
// Kolter, 2017): digits, by a fully connected network whose last layer is a
// quadratic program, against the same network without; and LeNet with a
// projection on the simplex in place of the softmax. Fashion-MNIST is read by the
// same loader. [Run] trains, [Load] uses what came out.
package mnist

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// Config says what to train. The defaults: Nets optnet; 40 epochs for fc and optnet,
// 5 for the others; batches of 64, as in the paper; LR 1e-3, from where it falls to 0
// along a cosine; Data, a folder of IDX files, [DefaultData]. Seed is the first of
// Seeds.
type Config struct {
	lab.Config
	Seeds   int     // trainings of each network, with seeds one after the other; default 1
	Dropout float64 // share of the hidden units left out at random in training; default and paper: 0
	QPRate  float64 // how many times as fast as the rest the parameters of the QP are learned; default and paper: 1
	Images  int     // for training, the first ones; 0: all
}

func (c *Config) normalize() error {
	if len(c.Nets) == 0 {
		c.Nets = []string{"optnet"}
	}
	if c.Seeds == 0 {
		c.Seeds = 1
	}
	if c.Batch == 0 {
		c.Batch = 64
	}
	if c.LR == 0 {
		c.LR = 1e-3
	}
	if c.QPRate == 0 {
		c.QPRate = 1
	}
	err := c.Check(lab.OneOf(Nets()))
	switch {
	case err != nil:
	case c.Seeds < 0:
		err = &lab.ValueError{Name: "seeds", Value: c.Seeds, Want: "1 or more"}
	case !(c.Dropout >= 0 && c.Dropout < 1):
		err = &lab.ValueError{Name: "dropout", Value: c.Dropout, Want: "a share from 0 to less than 1"}
	case !(c.QPRate > 0) || c.QPRate > 1e6:
		err = &lab.ValueError{Name: "qp-rate", Value: c.QPRate, Want: "a positive number"}
	case c.Images < 0:
		err = &lab.ValueError{Name: "images", Value: c.Images, Want: "1 or more, or 0 for all"}
	}
	if err != nil {
		return fmt.Errorf("mnist: %w", err)
	}
	return nil
}

// SeedResult is one training, at its last epoch.
type SeedResult struct {
	Seed       uint64     `json:"seed"`
	Epochs     int        `json:"epochs"` // ended
	TrainLoss  lab.Figure `json:"train_loss"`
	TrainError lab.Figure `json:"train_error"`
	TestLoss   lab.Figure `json:"test_loss"`
	TestError  lab.Figure `json:"test_error"`
	Seconds    float64    `json:"seconds"`
}

// NetResult is how one network did.
type NetResult struct {
	Net        string `json:"net"`
	Epochs     int    `json:"epochs"` // ended, of the training that has fewest
	Parameters int    `json:"parameters"`
	// TestError is the mean over the seeds, at the last epoch; TestErrorSpread the
	// standard deviation of one of them, missing for one seed.
	TestError       lab.Figure   `json:"test_error"`
	TestErrorSpread lab.Figure   `json:"test_error_spread"`
	TestLoss        lab.Figure   `json:"test_loss"`
	TrainError      lab.Figure   `json:"train_error"`
	Seeds           []SeedResult `json:"seeds"`
	lab.Counts                   // of the QPs in training, over all epochs
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
	Train       int         `json:"train"` // images
	Test        int         `json:"test"`  // images
	Others      []NetResult `json:"others,omitempty"`
	History     []lab.Epoch `json:"history"`
	Header      lab.Header  `json:"header"`
}

// run is one call of Run.
type run struct {
	cfg         Config
	out         lab.Folder
	report      lab.Report
	train, test *Images
	result      *Result
}

// Run trains the networks, each with all seeds, one after the other and writes
// what came out to the folder: metrics and a checkpoint after each epoch, the
// rest at the end.
func Run(ctx context.Context, cfg Config, report lab.Report) (*Result, error) {
	began := time.Now()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	if cfg.Data == "" {
		var err error
		if cfg.Data, err = DefaultData(); err != nil {
			return nil, err
		}
	}
	r := &run{cfg: cfg, out: lab.Folder(cfg.Out), report: report}
	var err error
	if r.train, r.test, err = Read(cfg.Data); err != nil {
		return nil, err
	}
	r.train = r.train.head(cfg.Images)
	if err := r.open(); err != nil {
		return nil, err
	}
	r.result = &Result{
		Experiment: "mnist", Seed: cfg.Seed, Train: r.train.Len(), Test: r.test.Len(),
		NetResult: NetResult{TestError: lab.None, TestErrorSpread: lab.None, TestLoss: lab.None, TrainError: lab.None}, Header: cfg.Header,
	}
	h := &r.result.Header
	h.Generator, h.DataSHA256 = "math/rand/v2 PCG", hash(r.train, r.test)
	if report.Start != nil {
		report.Start(fmt.Sprintf("%d images for training, %d for tests, from %s", r.train.Len(), r.test.Len(), cfg.Data))
	}
	for _, net := range cfg.Nets {
		if err = r.trainNet(ctx, net); err != nil {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("mnist: %w", err)
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

// seeds is where the checkpoints of a seed lie.
func (r *run) seeds(seed uint64) lab.Folder { return r.out.Sub(seedFolder(seed)) }

func seedFolder(seed uint64) string { return fmt.Sprintf("seed-%d", seed) }

// open makes the folders of the run and of its seeds ready.
func (r *run) open() error {
	if err := r.out.Begin(r.cfg.Resume, MetricsFile, allFiles, nil); err != nil {
		return err
	}
	for k := range uint64(r.cfg.Seeds) {
		if err := r.seeds(r.cfg.Seed+k).Begin(r.cfg.Resume, "", nil, Nets()); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) trainNet(ctx context.Context, name string) error {
	n := NetResult{Net: name}
	var err error
	for k := range uint64(r.cfg.Seeds) {
		var s SeedResult
		if s, err = r.trainSeed(ctx, &n, r.cfg.Seed+k); s.Epochs > 0 {
			n.Seeds = append(n.Seeds, s)
		}
		if err != nil {
			break
		}
	}
	n.summarize()
	if r.result.Net == "" {
		r.result.NetResult = n
	} else {
		r.result.Others = append(r.result.Others, n)
	}
	return err
}

func (r *run) trainSeed(ctx context.Context, n *NetResult, seed uint64) (SeedResult, error) {
	var qps gomlx.Counter
	job := &lab.Job{
		Experiment: "mnist", Net: n.Net, Seed: seed, DType: dtypes.Float32, QPs: &qps,
		Build: makeNet(n.Net, &r.cfg, &qps),
		Train: r.train, Test: r.test,
		Epochs: networks[n.Net].epochs, Batch: r.cfg.Batch, LR: r.cfg.LR, Decay: true, Shuffle: true,
		Data: r.result.Header.DataSHA256, Out: r.seeds(seed), Resume: r.cfg.Resume, Backend: r.cfg.Backend, Report: r.report,
	}
	if r.cfg.Dropout > 0 || r.cfg.QPRate != 1 {
		job.Other = fmt.Sprintf("dropout %v, QP rate %v", r.cfg.Dropout, r.cfg.QPRate)
	}
	if r.cfg.Epochs > 0 {
		job.Epochs = r.cfg.Epochs
	}
	before := r.result.History
	keep := func(h []lab.Epoch) { r.result.History = append(before[:len(before):len(before)], h...) }
	job.Each = func(h []lab.Epoch) error {
		keep(h)
		return r.writeMetrics()
	}
	t, err := job.Run(ctx)
	s := SeedResult{Seed: seed}
	if t == nil {
		return s, err
	}
	keep(t.History)
	n.Parameters = t.Network.Vars.Count()
	for i := range t.History {
		e := &t.History[i]
		n.Counts.Add(e.Counts)
		if e.Epoch > 0 && e.Ended() {
			s.Seconds += e.Seconds
		}
	}
	if e := t.Last(); e != nil {
		s.Epochs, s.TrainLoss, s.TrainError, s.TestLoss, s.TestError = e.Epoch, e.Train.Loss, e.Train.Error, e.Test.Loss, e.Test.Error
	}
	return s, err
}

// summarize takes means over the seeds.
func (n *NetResult) summarize() {
	count := len(n.Seeds)
	var test, loss, train, square float64
	for i, s := range n.Seeds {
		test += float64(s.TestError)
		loss += float64(s.TestLoss)
		train += float64(s.TrainError)
		if i == 0 || s.Epochs < n.Epochs {
			n.Epochs = s.Epochs
		}
	}
	n.TestError, n.TestLoss, n.TrainError = lab.Ratio(test, count), lab.Ratio(loss, count), lab.Ratio(train, count)
	for _, s := range n.Seeds {
		square += math.Pow(float64(s.TestError-n.TestError), 2)
	}
	n.TestErrorSpread = lab.None
	if count > 1 {
		n.TestErrorSpread = lab.Figure(math.Sqrt(square / float64(count-1)))
	}
}

// finish computes the result and writes it, and the plot.
func (r *run) finish(began time.Time) error {
	res := r.result
	seconds, epochs := 0.0, 0
	for _, s := range res.NetResult.Seeds { // of the first net, whose figures are at the top
		seconds += s.Seconds
		epochs += s.Epochs
	}
	res.SecondsPerEpoch = lab.Ratio(seconds, epochs)
	if err := r.writeMetrics(); err != nil { // of what was resumed and had ended, too
		return err
	}
	if err := r.plotCurves(); err != nil {
		return err
	}
	res.Seconds = time.Since(began).Seconds()
	return r.out.WriteJSON(ResultsFile, "\t", res)
}
