package lab

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// Data is a set of examples.
type Data interface {
	Len() int
	// Batch returns the inputs and the targets of the examples named.
	Batch(examples []int) (x, y *tensors.Tensor)
}

// A Seer is a set for tests that knows which of its examples training has too.
type Seer interface{ Seen(example int) bool }

// A Judge is a set that knows which answers to its examples are wrong, where graphs
// would have a hard time to.
type Judge interface {
	Wrong(example int, z []float64) bool
}

// A Job is the training of one network.
type Job struct {
	Experiment, Net string
	Seed            uint64
	DType           dtypes.DType
	Build           func(*Vars) Net
	Backend         string         // of GoMLX, as NewBackend has it
	QPs             *gomlx.Counter // of the network's; nil: it has none
	Train, Test     Data
	Epochs, Batch   int
	LR              float64
	Decay           bool   // the learning rate falls to 0 along a cosine
	Choose          bool   // the parameters that count are of the epoch with the smallest training loss, and not of the last
	Shuffle         bool   // each epoch has its own order, from the seed
	Data            string // SHA-256 of the data
	Other           string // what else must be the same for a training to be resumed
	Out             Folder // where the checkpoint goes after each epoch
	Resume          bool   // go on from there; without a checkpoint, from the start
	Report          Report
	Each            func(history []Epoch) error // called after each epoch, before Report.Epoch

	built func(*Network) // for tests
}

// Report has callbacks for what happens in a run; nil ones are not called.
type Report struct {
	Start func(text string) // what is going to be done
	Step  func(Step)
	Epoch func(Epoch)
}

// Step is one batch.
type Step struct {
	Net             string
	Seed            uint64
	Epoch, Batch    int // Batch from 1 on
	Epochs, Batches int
	Loss            float64
}

// Epoch is one line of metrics. Epoch 0 is the network before training.
type Epoch struct {
	Net     string `json:"net"`
	Seed    uint64 `json:"seed"`
	Epoch   int    `json:"epoch"`
	Batches int    `json:"batches"` // trained on; fewer than the epoch has if interrupted
	// Train is the mean over the batches, before each step; Test is of the
	// parameters after the last one, or of their mean over the steps where the
	// network asks for that. Last is then the test of those after the last step.
	Train       Measured `json:"train"`
	Test        Measured `json:"test"`
	Last        Measured `json:"last,omitzero"`
	Counts               // of the QPs in training
	InTest      Counts   `json:"in_test"` // of those in the test
	Seconds     float64  `json:"seconds"` // of training and test
	InTraining  float64  `json:"train_seconds"`
	Interrupted bool     `json:"interrupted,omitempty"`
}

// Ended reports whether e was not interrupted.
func (e *Epoch) Ended() bool { return !e.Interrupted }

// Chosen returns the epoch of a network with the smallest training loss, or nil.
func Chosen(history []Epoch, net string) *Epoch {
	var best *Epoch
	for i := range history {
		e := &history[i]
		if e.Net == net && e.Epoch > 0 && e.Ended() && (best == nil || e.Train.Loss < best.Train.Loss) {
			best = e
		}
	}
	return best
}

// Trained is what a Job comes to. The network has the parameters that count.
type Trained struct {
	Network *Network
	History []Epoch
}

// Last returns the last epoch that has ended, or nil.
func (t *Trained) Last() *Epoch {
	for i := len(t.History) - 1; i >= 0; i-- {
		if t.History[i].Ended() {
			return &t.History[i]
		}
	}
	return nil
}

// trainer is one call of Run.
type trainer struct {
	*Job
	*Trained
	batches int
	epoch   Epoch
	counts  []*tensors.Tensor // the parameters that count; nil: where training goes on from
}

func (j *Job) key() Key {
	k := Key{Experiment: j.Experiment, Net: j.Net, Seed: j.Seed, Batch: j.Batch, LR: j.LR, Data: j.Data, Other: j.Other}
	if j.Decay {
		k.Decay = j.Epochs
	}
	return k
}

// Run trains. After an error, what is known until then is returned too, unless
// nothing is; the checkpoint is that of the last epoch that has ended.
func (j *Job) Run(ctx context.Context) (*Trained, error) {
	backend, err := NewBackend(j.Backend)
	if err != nil {
		return nil, err
	}
	t := &trainer{Job: j, Trained: &Trained{}, batches: (j.Train.Len() + j.Batch - 1) / j.Batch}
	if t.Network, err = NewNetwork(backend, j.DType, j.Seed, j.LR, j.Build); err != nil {
		return nil, err
	}
	if j.built != nil {
		j.built(t.Network)
	}
	if j.Resume {
		if t.History, t.counts, err = t.Network.resume(j.Out, j.key()); err != nil {
			return nil, err
		}
		if n := len(t.History) - 1; n > j.Epochs {
			return nil, &FileError{File: j.Out.Join(CheckpointFile(j.Net)), Err: fmt.Errorf("the training there has gone on for %d epochs, more than %d: ask for %[1]d or more, or leave out --resume to start again", n, j.Epochs)}
		}
	}
	for k := len(t.History); k <= j.Epochs && err == nil; k++ {
		err = t.run(ctx, k)
	}
	if t.counts != nil {
		if _, e := t.Network.stand(t.counts); err == nil {
			err = e
		}
	}
	return t.Trained, err
}

// differs names what is not the same.
func differs(had, want Key) string {
	for _, d := range []struct {
		name      string
		had, want any
	}{
		{"experiment", had.Experiment, want.Experiment},
		{"seed", had.Seed, want.Seed},
		{"batch", had.Batch, want.Batch},
		{"learning rate", had.LR, want.LR},
		{"number of epochs, in which the learning rate falls to 0,", had.Decay, want.Decay},
		{"SHA-256 of the data", had.Data, want.Data},
		{"settings", had.Other, want.Other},
	} {
		if d.had != d.want {
			return fmt.Sprintf("the %s %v, and not %v", d.name, d.had, d.want)
		}
	}
	return "another network"
}

// run does epoch k.
func (t *trainer) run(ctx context.Context, k int) error {
	began := time.Now()
	t.epoch = Epoch{Net: t.Net, Seed: t.Seed, Epoch: k, Train: unmeasured, Test: unmeasured, Last: unmeasured}
	derived(t.QPs)
	var err error
	if k > 0 {
		err = t.train(ctx)
		t.epoch.InTraining = time.Since(began).Seconds()
	}
	var at []*tensors.Tensor // the epoch's parameters; nil: those of its last step
	if err == nil {
		at, err = t.test(ctx)
	}
	t.epoch.Seconds = time.Since(began).Seconds()
	t.epoch.Interrupted = err != nil
	t.History = append(t.History, t.epoch)
	if err == nil {
		err = t.keep(at)
	} else if ctx.Err() != nil {
		err = fmt.Errorf("%w in epoch %d of %s, after %d of %d batches%s: %w", ErrInterrupted, k, t.Net, t.epoch.Batches, t.batches, t.told(), context.Cause(ctx))
	}
	if t.Each != nil {
		if e := t.Each(t.History); err == nil {
			err = e
		}
	}
	if err == nil && t.Report.Epoch != nil {
		t.Report.Epoch(t.epoch)
	}
	return err
}

// test measures the parameters of the epoch, and returns them if they are a mean.
func (t *trainer) test(ctx context.Context) (at []*tensors.Tensor, err error) {
	e, n := &t.epoch, t.Network
	if e.Epoch > 0 {
		if err := n.finite(); err != nil {
			return nil, fmt.Errorf("epoch %d of %s: %w: %s", e.Epoch, t.Net, err, t.diverged())
		}
	}
	e.Test, e.InTest, err = n.TestAll(ctx, t.Job.Test, t.Batch)
	if err != nil || n.mean == nil || e.Epoch == 0 {
		return nil, err
	}
	e.Last = e.Test
	if at, err = values(n.mean.of); err != nil {
		return nil, err
	}
	on, err := n.stand(at)
	if err != nil {
		return nil, err
	}
	e.Test, e.InTest, err = n.TestAll(ctx, t.Job.Test, t.Batch)
	if _, back := n.stand(on); err == nil {
		err = back
	}
	return at, err
}

// keep makes the parameters of the epoch at hand count, unless an earlier one has
// been chosen, and writes the checkpoint.
func (t *trainer) keep(at []*tensors.Tensor) error {
	switch c := Chosen(t.History, t.Net); {
	case !t.Choose:
		t.counts = at
	case c == nil || c.Epoch == t.epoch.Epoch:
		if t.counts = at; at == nil {
			var err error
			if t.counts, err = values(t.Network.Vars.all); err != nil {
				return err
			}
		}
	}
	return t.Network.save(t.Out, t.key(), t.History, t.counts)
}

// diverged is the advice for a training whose numbers are none.
func (t *trainer) diverged() string {
	return fmt.Sprintf("the training has diverged; try a smaller learning rate than %v%s", t.LR, t.kept())
}

// train goes through the training set once.
func (t *trainer) train(ctx context.Context) error {
	e := &t.epoch
	order := make([]int, t.Train.Len())
	for i := range order {
		order[i] = i
	}
	if t.Shuffle {
		newRand(t.Seed, streamOrder, uint64(e.Epoch)).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	if m := t.Network.mean; m != nil {
		if err := m.begin(); err != nil {
			return err
		}
	}
	var sum tally
	defer func() {
		e.Train, e.Counts = sum.measured(), sum.Counts
		e.Zeroed, e.NotUnique = derived(t.QPs)
	}()
	for from := 0; from < len(order); from += t.Batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		examples := order[from:min(from+t.Batch, len(order))]
		if t.Decay {
			done := float64((e.Epoch-1)*t.batches+e.Batches) / float64(t.Epochs*t.batches)
			if err := t.Network.SetLR(t.LR * (1 + math.Cos(math.Pi*done)) / 2); err != nil {
				return fmt.Errorf("setting the learning rate: %w", err)
			}
		}
		x, y := t.Job.Train.Batch(examples)
		o, err := t.Network.Step(x, y)
		if err != nil {
			return fmt.Errorf("epoch %d of %s, batch %d: %w", e.Epoch, t.Net, e.Batches+1, err)
		}
		if o.Loss-o.Loss != 0 {
			return fmt.Errorf("epoch %d of %s, batch %d: the loss is %v: %s", e.Epoch, t.Net, e.Batches+1, o.Loss, t.diverged())
		}
		sum.add(o, examples, t.Job.Train)
		e.Batches++
		if t.Report.Step != nil {
			t.Report.Step(Step{Net: t.Net, Seed: t.Seed, Epoch: e.Epoch, Batch: e.Batches, Epochs: t.Epochs, Batches: t.batches, Loss: o.Loss})
		}
	}
	if sum.answered == 0 {
		return fmt.Errorf("epoch %d of %s: none of its %d QPs was solved: %s", e.Epoch, t.Net, sum.examples, t.diverged())
	}
	return nil
}

// told is the end of a message about a training that was stopped.
func (t *trainer) told() string {
	switch {
	case t.Out == "":
		return ""
	case t.epoch.Epoch == 0:
		return "; nothing had been learned, and what is known is in " + string(t.Out)
	}
	return "; metrics and parameters until then are in " + string(t.Out)
}

func (t *trainer) kept() string {
	if t.Out == "" || t.epoch.Epoch == 0 {
		return ""
	}
	return fmt.Sprintf("; %s has the parameters of epoch %d", t.Out.Join(CheckpointFile(t.Net)), t.epoch.Epoch-1)
}

// TestAll measures a set in batches, and counts its QPs.
func (n *Network) TestAll(ctx context.Context, set Data, batch int) (Measured, Counts, error) {
	var sum tally
	var examples []int
	for from := 0; from < set.Len(); from += batch {
		if ctx.Err() != nil {
			return unmeasured, Counts{}, context.Cause(ctx)
		}
		examples = examples[:0]
		for i := from; i < min(from+batch, set.Len()); i++ {
			examples = append(examples, i)
		}
		o, err := n.Test(set.Batch(examples))
		if err != nil {
			return unmeasured, Counts{}, fmt.Errorf("testing: %w", err)
		}
		sum.add(o, examples, set)
	}
	return sum.measured(), sum.Counts, nil
}

// tally sums over the examples of batches. The loss of a batch, a mean, weighs as
// many examples as have an answer.
type tally struct {
	Counts
	loss, mse, wrong, wrongUnseen    float64
	examples, answered, unseen       int
	hasMSE, hasWrong, knowsWhatsSeen bool
}

func (s *tally) add(o *Outcome, examples []int, set Data) {
	seer, sees := set.(Seer)
	judge, judges := set.(Judge)
	judges = judges && o.Z != nil
	s.hasMSE, s.hasWrong = o.MSE != nil, o.Wrong != nil || judges
	s.knowsWhatsSeen = sees && s.hasWrong
	answered, width := 0, len(o.Z)/len(examples)
	for i, example := range examples {
		ok := o.Status == nil || Answered(o.Status[i])
		switch {
		case !ok:
			s.Unsolved++
		case o.Status != nil && o.Status[i] == qp.AlmostSolved:
			s.AlmostSolved++
		}
		if ok {
			answered++
			if s.hasMSE {
				s.mse += o.MSE[i]
			}
		}
		wrong := 1.0
		switch {
		case !ok:
		case o.Wrong != nil:
			wrong = o.Wrong[i]
		case judges && !judge.Wrong(example, o.Z[i*width:(i+1)*width]):
			wrong = 0
		}
		s.wrong += wrong
		if sees && !seer.Seen(example) {
			s.wrongUnseen += wrong
			s.unseen++
		}
	}
	s.loss += o.Loss * float64(answered)
	s.answered += answered
	s.examples += len(examples)
}

func (s *tally) measured() Measured {
	m := Measured{Ratio(s.loss, s.answered), None, None, None}
	if s.hasMSE {
		m.MSE = Ratio(s.mse, s.answered)
	}
	if s.hasWrong {
		m.Error = Ratio(s.wrong, s.examples)
	}
	if s.knowsWhatsSeen {
		m.Unseen = Ratio(s.wrongUnseen, s.unseen)
	}
	return m
}
