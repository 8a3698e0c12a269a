package sudoku

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/optnet-go/optnet/experiments/lab"

	"github.com/optnet-go/optnet/qp"
)

// dataset is the puzzles as arrays: the first nine tenths to train on, the rest
// to test.
type dataset struct {
	puzzles     []Puzzle
	train, test int
	p, y        []float64 // −puzzle and solution
	seen        []bool    // of the test puzzles: it is one of the training puzzles too
	seenCount   int
}

func split(ps []Puzzle) *dataset {
	s := &dataset{puzzles: ps, test: len(ps) / testShare}
	s.train = len(ps) - s.test
	s.p = make([]float64, len(ps)*inputs)
	s.y = make([]float64, len(ps)*inputs)
	known := make(map[Board]bool)
	for i, p := range ps {
		p.Puzzle.encode(s.p[i*inputs:], -1)
		p.Solution.encode(s.y[i*inputs:], 1)
		if i < s.train {
			known[p.Puzzle] = true
		} else {
			s.seen = append(s.seen, known[p.Puzzle])
			if known[p.Puzzle] {
				s.seenCount++
			}
		}
	}
	return s
}

// run is one call of Run.
type run struct {
	cfg     Config
	out     lab.Folder
	report  Report
	set     *dataset
	batches int
	result  *Result
	epoch   Epoch     // the one at hand
	learned []float64 // A of the epoch chosen
}

// testBatch is the paper's.
const testBatch = 200

// train trains network number i of those asked for.
func (r *run) train(ctx context.Context, i int, name string) error {
	r.epoch = Epoch{Net: name}
	net, err := newNetwork(name, r.cfg.Seed, r.cfg.LR, qp.Options{Engine: r.cfg.Engine, Workers: r.cfg.Workers}, nil)
	if err != nil {
		return err
	}
	best := saved{Format: savedFormat, Net: name, Seed: r.cfg.Seed}
	first := 0
	if r.cfg.Resume {
		if first, err = r.resume(i, net, &best); err != nil {
			return err
		}
	}
	for k := first; k <= r.cfg.Epochs; k++ {
		r.epoch = Epoch{Net: name, Epoch: k, TrainLoss: lab.None, TrainError: lab.None, Tested: untested, Last: untested}
		began := time.Now()
		ps, err := r.trainAndTest(ctx, net)
		r.epoch.Seconds = time.Since(began).Seconds()
		if err != nil && ctx.Err() == nil {
			return err
		}
		r.result.History = append(r.result.History, r.epoch)
		if chosen := choose(r.result.History, name); chosen == nil {
			best.Parameters = ps
		} else if chosen.Epoch == k {
			best.Epoch, best.Parameters = k, ps
		}
		if e := r.save(i, &best); e != nil {
			return e
		}
		if err == nil {
			err = lab.SaveState(r.out, r.key(), r.ofNet(), net.state())
		}
		if err != nil {
			return err
		}
		if r.report.Epoch != nil {
			r.report.Epoch(r.epoch)
		}
	}
	return nil
}

// key is what a training that is resumed must have had.
func (r *run) key() lab.Key {
	return lab.Key{
		Experiment: "sudoku", Net: r.epoch.Net, Seed: r.cfg.Seed, Batch: r.cfg.Batch, LR: r.rate(), Data: r.result.Header.DataSHA256,
		Other: fmt.Sprintf("keep last %v", r.cfg.KeepLast),
	}
}

// ofNet is the history of the network at hand.
func (r *run) ofNet() (h []Epoch) {
	for _, e := range r.result.History {
		if e.Net == r.epoch.Net {
			h = append(h, e)
		}
	}
	return h
}

// resume goes back to the checkpoint of a network, if there is one, and returns
// the epoch to go on with.
func (r *run) resume(i int, net network, b *saved) (int, error) {
	var history []Epoch
	found, err := lab.ResumeState(r.out, r.key(), &history, net.state())
	if !found || err != nil {
		return 0, err
	}
	if *b, err = best(r.out, i, b.Net); err != nil {
		return 0, err
	}
	if err := net.restored(); err != nil {
		return 0, err
	}
	r.result.History = append(r.result.History, history...)
	return len(history), r.save(i, b)
}

// trainAndTest runs the epoch at hand and returns the parameters that it ended
// with: the mean over its steps where the network can do that and it is wanted,
// or, after an error, those of the last step.
func (r *run) trainAndTest(ctx context.Context, net network) ([]parameter, error) {
	e := &r.epoch
	var err error
	if e.Epoch > 0 {
		err = r.trainEpoch(ctx, net)
	}
	if err == nil {
		e.Last, err = r.test(ctx, net)
	}
	avg, ok := net.(averager)
	if err == nil && ok && e.Epoch > 0 && !r.cfg.KeepLast {
		avg.mean()
		defer avg.resume()
		e.Tested, err = r.test(ctx, net)
	} else {
		e.Tested = e.Last
	}
	ps, perr := net.parameters()
	return ps, errors.Join(err, perr)
}

// save writes what is known now.
func (r *run) save(i int, best *saved) error {
	if best.Net == "optnet" {
		r.learned = best.Parameters[0].Values
	}
	if err := r.out.WriteJSON(modelFile(i, best.Net), "", best); err != nil {
		return err
	}
	return writeMetrics(r.out, r.result.History)
}

// trainEpoch goes through the training puzzles in their order, as the paper
// does. When it fails the epoch has the figures of the batches before.
func (r *run) trainEpoch(ctx context.Context, net network) error {
	e, s := &r.epoch, r.set
	loss, wrong, boards := 0.0, 0, 0
	defer func() {
		if e.Batches > 0 {
			e.TrainLoss = lab.Figure(loss / float64(e.Batches))
			e.TrainError = lab.Figure(float64(wrong) / float64(boards))
		}
	}()
	for from := 0; from < s.train; from += r.cfg.Batch {
		to := min(from+r.cfg.Batch, s.train)
		y := s.y[from*inputs : to*inputs]
		out, err := net.step(ctx, s.p[from*inputs:to*inputs], y)
		if err != nil {
			return err
		}
		l, answers := squaredError(nil, &out, y)
		if answers == 0 || l-l != 0 {
			return fmt.Errorf("sudoku: epoch %d, batch %d: %d of %d boards have an answer, with loss %v: the training of %s has diverged; try a smaller learning rate than %v",
				e.Epoch, e.Batches+1, answers, to-from, l, e.Net, r.rate())
		}
		loss += l
		boards += to - from
		for i := range to - from {
			if !out.answered(i) || !decode(out.z[i*inputs:]).Solves(s.puzzles[from+i].Puzzle) {
				wrong++
			}
		}
		e.Unsolved += to - from - answers
		e.AlmostSolved += out.almost()
		e.Zeroed += out.zeroed
		e.NotUnique += out.notUnique
		e.Batches++
		if r.report.Step != nil {
			r.report.Step(Step{Net: e.Net, Epoch: e.Epoch, Batch: e.Batches, Epochs: r.cfg.Epochs, Batches: r.batches, Loss: l})
		}
	}
	return nil
}

func (r *run) rate() float64 {
	if r.cfg.LR != 0 {
		return r.cfg.LR
	}
	return learningRate(r.epoch.Net)
}

// test evaluates the test puzzles. A board without an answer is wrong, and out of
// the mean squared error.
func (r *run) test(ctx context.Context, net network) (Tested, error) {
	s := r.set
	sum, answers, wrong, wrongUnseen := 0.0, 0, 0, 0
	for from := s.train; from < len(s.puzzles); from += testBatch {
		to := min(from+testBatch, len(s.puzzles))
		y := s.y[from*inputs : to*inputs]
		out, err := net.predict(ctx, s.p[from*inputs:to*inputs])
		if err != nil {
			return untested, err
		}
		l, n := squaredError(nil, &out, y)
		sum += l * float64(n)
		answers += n
		for i := range to - from {
			if !out.answered(i) || !decode(out.z[i*inputs:]).Solves(s.puzzles[from+i].Puzzle) {
				wrong++
				if !s.seen[from+i-s.train] {
					wrongUnseen++
				}
			}
		}
	}
	return Tested{
		TestMSE:         lab.Ratio(sum, answers),
		TestError:       lab.Ratio(float64(wrong), s.test),
		TestErrorUnseen: lab.Ratio(float64(wrongUnseen), s.test-s.seenCount),
		TestUnsolved:    s.test - answers,
	}, nil
}

// finish computes the result and writes it, and the plots.
func (r *run) finish(began time.Time) error {
	res, cfg := r.result, r.cfg
	seconds := 0.0
	for _, e := range res.History { // of the first net, whose figures are at the top
		if e.ended() && e.Net == cfg.Nets[0] {
			res.Epochs++
			seconds += e.Seconds
		}
	}
	for i, net := range cfg.Nets {
		n := netResult(res.History, net, lab.None)
		if net == "optnet" && r.learned != nil {
			n.RulesOverlap = overlap(r.learned)
		}
		if i == 0 {
			res.NetResult = n
		} else {
			res.Others = append(res.Others, n)
		}
	}
	res.SecondsPerEpoch = lab.Ratio(seconds, res.Epochs)
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
