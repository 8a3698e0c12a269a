// Package represent shows what OptNet layers can represent (section 3.2 of Amos
// and Kolter, 2017): ReLU layers, piecewise linear functions, maxima of affine
// functions and projections on the simplex are quadratic programs ([Layer]); and
// there are functions of a layer with a few parameters that no network of two
// layers with ReLU is equal to. [Run] learns one of these with both.
package represent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/gomlx"
)

// Config says what to train. The defaults: all of [Nets]; 60 epochs; batches of 50;
// LR 0.03, from where it falls to 0 along a cosine. The data are made from the Seed.
type Config struct{ lab.Config }

// Points of the sets for training and for tests.
const trainPoints, testPoints = 2000, 1000

func (c *Config) normalize() error {
	if len(c.Nets) == 0 {
		c.Nets = Nets()
	}
	if c.Epochs == 0 {
		c.Epochs = 60
	}
	if c.Batch == 0 {
		c.Batch = 50
	}
	if c.LR == 0 {
		c.LR = 0.03
	}
	if err := c.Check(wantNet); err != nil {
		return fmt.Errorf("represent: %w", err)
	}
	return nil
}

// NetResult is how one network did, at its last epoch.
type NetResult struct {
	Net        string     `json:"net"`
	Epochs     int        `json:"epochs"` // ended
	Parameters int        `json:"parameters"`
	TrainMSE   lab.Figure `json:"train_mse"`
	TestMSE    lab.Figure `json:"test_mse"`
	// WorstError is the largest error on the test points.
	WorstError lab.Figure `json:"worst_error"`
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
	Train       int         `json:"train"` // points
	Test        int         `json:"test"`  // points
	Others      []NetResult `json:"others,omitempty"`
	History     []lab.Epoch `json:"history"`
	Header      lab.Header  `json:"header"`
}

// run is one call of Run.
type run struct {
	cfg         Config
	out         lab.Folder
	report      lab.Report
	train, test points
	result      *Result
	fits        map[string][]float64 // on the points of a grid, by network
}

// Run trains the networks one after the other and writes what came out to the
// folder: metrics and a checkpoint after each epoch, the rest at the end.
func Run(ctx context.Context, cfg Config, report lab.Report) (*Result, error) {
	began := time.Now()
	if err := cfg.normalize(); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, out: lab.Folder(cfg.Out), report: report, fits: make(map[string][]float64)}
	if err := r.out.Begin(cfg.Resume, MetricsFile, allFiles, Nets()); err != nil {
		return nil, err
	}
	const stream = 1 << 40 // of the points; others are of package lab
	rng := rand.New(rand.NewPCG(cfg.Seed, stream))
	r.train, r.test = generate(rng, trainPoints), generate(rng, testPoints)
	r.result = &Result{
		Experiment: "represent", Seed: cfg.Seed, Train: trainPoints, Test: testPoints,
		NetResult: NetResult{TrainMSE: lab.None, TestMSE: lab.None, WorstError: lab.None}, Header: cfg.Header,
	}
	r.result.Header.Generator, r.result.Header.DataSHA256 = "math/rand/v2 PCG", hash(r.train, r.test)
	if report.Start != nil {
		report.Start(fmt.Sprintf("the maximum of %d linear functions on %d points for training, %d for tests", len(planes), trainPoints, testPoints))
	}
	var err error
	for _, net := range cfg.Nets {
		if err = r.trainNet(ctx, net); err != nil {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("represent: %w", err)
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

// hash is the SHA-256 of points and targets, little-endian.
func hash(sets ...points) string {
	h := sha256.New()
	var buf [8]byte
	for _, s := range sets {
		for _, a := range [][]float64{s.x, s.y} {
			for _, v := range a {
				binary.LittleEndian.PutUint64(buf[:], math.Float64bits(v))
				h.Write(buf[:])
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (r *run) trainNet(ctx context.Context, name string) error {
	var qps gomlx.Counter
	job := &lab.Job{
		Experiment: "represent", Net: name, Seed: r.cfg.Seed, DType: dtype, Build: build(name, &r.cfg, &qps), QPs: &qps,
		Train: r.train, Test: r.test, Epochs: r.cfg.Epochs, Batch: r.cfg.Batch, LR: r.cfg.LR, Decay: true, Shuffle: true,
		Data: r.result.Header.DataSHA256, Out: r.out, Resume: r.cfg.Resume, Backend: r.cfg.Backend, Report: r.report,
	}
	before := r.result.History
	keep := func(h []lab.Epoch) { r.result.History = append(before[:len(before):len(before)], h...) }
	job.Each = func(h []lab.Epoch) error {
		keep(h)
		return r.writeMetrics()
	}
	t, err := job.Run(ctx)
	if t == nil {
		return err
	}
	keep(t.History)
	n := NetResult{Net: name, TrainMSE: lab.None, TestMSE: lab.None, WorstError: lab.None, Parameters: t.Network.Vars.Count()}
	for _, e := range t.History {
		n.Counts.Add(e.Counts)
	}
	if e := t.Last(); e != nil {
		n.Epochs, n.TrainMSE, n.TestMSE = e.Epoch, e.Train.MSE, e.Test.MSE
	}
	if err == nil {
		n.WorstError, err = r.evaluate(t.Network, name)
	}
	if r.result.Net == "" {
		r.result.NetResult = n
	} else {
		r.result.Others = append(r.result.Others, n)
	}
	return err
}

// evaluate finds the largest error on the test points, and what is drawn.
func (r *run) evaluate(n *lab.Network, name string) (worst lab.Figure, err error) {
	z, _, err := n.Evaluate(tensorOf(r.test.x))
	if err != nil {
		return lab.None, err
	}
	for i, v := range z {
		worst = max(worst, lab.Figure(math.Abs(v-r.test.y[i])))
	}
	r.fits[name], _, err = n.Evaluate(tensorOf(gridPoints()))
	return worst, err
}

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
