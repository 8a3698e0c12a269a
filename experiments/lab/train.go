package lab

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/gomlx"
)

// Data is a set of examples.
type Data interface {
	Len() int
	// Batch returns the inputs and the targets of the examples named.
	Batch(examples []int) (x, y *tensors.Tensor)
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
	Shuffle         bool   // each epoch has its own order, from the seed
	Data            string // SHA-256 of the data
	Other           string // what else must be the same for a training to be resumed
	Out             Folder // where the checkpoint goes after each epoch
	Resume          bool   // go on from there; without a checkpoint, from the start
	Report          Report
	Each            func(history []Epoch) error // called after each epoch, before Report.Epoch
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
	// parameters after the last one.
	Train   Measured `json:"train"`
	Test    Measured `json:"test"`
	Counts           // of the QPs in training
	InTest  Counts   `json:"in_test"` // of those in the test
	Seconds float64  `json:"seconds"` // of training and test
}

// Ended reports whether e was not interrupted.
func (e *Epoch) Ended() bool { return e.Test.Loss.Known() }

// Trained is what a Job comes to.
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
	if j.Resume {
		if _, err := ResumeState(j.Out, j.key(), &t.History, t.Network.Vars.store); err != nil {
			return nil, err
		}
	}
	for k := len(t.History); k <= j.Epochs; k++ {
		if err := t.run(ctx, k); err != nil {
			return t.Trained, err
		}
	}
	return t.Trained, nil
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
	t.epoch = Epoch{Net: t.Net, Seed: t.Seed, Epoch: k, Train: unmeasured, Test: unmeasured}
	counted(t.QPs)
	var err error
	if k > 0 {
		err = t.train(ctx)
		t.epoch.Counts = counted(t.QPs)
	}
	if err == nil {
		t.epoch.Test, err = t.Network.TestAll(ctx, t.Test, t.Batch)
		t.epoch.InTest = counted(t.QPs)
	}
	t.epoch.Seconds = time.Since(began).Seconds()
	t.History = append(t.History, t.epoch)
	if err == nil {
		err = SaveState(t.Out, t.key(), t.History, t.Network.Vars.store)
	} else if ctx.Err() != nil {
		err = fmt.Errorf("%w in epoch %d of %s, after %d of %d batches%s: %w", ErrInterrupted, k, t.Net, t.epoch.Batches, t.batches, t.Out.Told(), context.Cause(ctx))
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
	var mean meanOf
	defer func() { e.Train = mean.measured() }()
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
		m, err := t.Network.Step(x, y)
		if err != nil {
			return fmt.Errorf("epoch %d of %s, batch %d: %w", e.Epoch, t.Net, e.Batches+1, err)
		}
		if loss := float64(m.Loss); loss-loss != 0 {
			return fmt.Errorf("epoch %d of %s, batch %d: the loss is %v: the training has diverged; try a smaller learning rate than %v%s", e.Epoch, t.Net, e.Batches+1, loss, t.LR, t.kept())
		}
		mean.add(m, len(examples))
		e.Batches++
		if t.Report.Step != nil {
			t.Report.Step(Step{Net: t.Net, Seed: t.Seed, Epoch: e.Epoch, Batch: e.Batches, Epochs: t.Epochs, Batches: t.batches, Loss: float64(m.Loss)})
		}
	}
	return nil
}

func (t *trainer) kept() string {
	if t.Out == "" || t.epoch.Epoch == 0 {
		return ""
	}
	return fmt.Sprintf("; %s has the parameters of epoch %d", t.Out.Join(CheckpointFile(t.Net)), t.epoch.Epoch-1)
}

// TestAll measures a set in batches.
func (n *Network) TestAll(ctx context.Context, set Data, batch int) (Measured, error) {
	var mean meanOf
	var examples []int
	for from := 0; from < set.Len(); from += batch {
		if ctx.Err() != nil {
			return unmeasured, context.Cause(ctx)
		}
		examples = examples[:0]
		for i := from; i < min(from+batch, set.Len()); i++ {
			examples = append(examples, i)
		}
		m, err := n.Test(set.Batch(examples))
		if err != nil {
			return unmeasured, fmt.Errorf("testing: %w", err)
		}
		mean.add(m, len(examples))
	}
	return mean.measured(), nil
}

// meanOf is a mean over batches, weighted by their sizes.
type meanOf struct {
	sum Measured
	n   int
}

func (s *meanOf) add(m Measured, n int) {
	w := Figure(n)
	s.sum.Loss += w * m.Loss
	s.sum.MSE += w * m.MSE
	s.sum.Error += w * m.Error
	s.n += n
}

func (s *meanOf) measured() Measured {
	n := s.n
	return Measured{Ratio(float64(s.sum.Loss), n), Ratio(float64(s.sum.MSE), n), Ratio(float64(s.sum.Error), n)}
}
