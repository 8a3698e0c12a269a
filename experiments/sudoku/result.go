package sudoku

import "github.com/optnet-go/optnet/experiments/lab"

// Epoch is one line of metrics. Epoch 0 is the network before training.
type Epoch struct {
	Net     string `json:"net"`
	Epoch   int    `json:"epoch"`
	Batches int    `json:"batches"` // trained on; fewer than the epoch has if interrupted
	// TrainLoss is the mean over the batches of the mean squared error before
	// each step, TrainError the share of boards not solved likewise.
	TrainLoss  lab.Figure `json:"train_loss"`
	TrainError lab.Figure `json:"train_error"`
	Tested
	// Last is the test of the parameters of the last step, where those of the
	// epoch are the mean over its steps; otherwise the same.
	Last Tested `json:"last"`
	// Training boards whose QP ended unsolved, or with reduced accuracy, or had
	// no gradient, or one that is a convention where no derivative exists.
	Unsolved     int     `json:"unsolved"`
	AlmostSolved int     `json:"almost_solved"`
	Zeroed       int     `json:"zeroed"`
	NotUnique    int     `json:"not_unique"`
	Seconds      float64 `json:"seconds"` // of training and test
}

// Tested is how a network does on the test puzzles.
type Tested struct {
	TestMSE   lab.Figure `json:"test_mse"`
	TestError lab.Figure `json:"test_error"` // share of boards not solved
	// TestErrorUnseen is that share among the puzzles that training has not seen.
	TestErrorUnseen lab.Figure `json:"test_error_unseen"`
	TestUnsolved    int        `json:"test_unsolved"` // boards whose QP ended unsolved
}

var untested = Tested{TestMSE: lab.None, TestError: lab.None, TestErrorUnseen: lab.None}

// NetResult is how one network did. The figures are those of Epoch, the one
// with the smallest training loss.
type NetResult struct {
	Net       string     `json:"net"`
	Epoch     int        `json:"epoch"` // 0: none has ended
	TrainLoss lab.Figure `json:"train_loss"`
	Tested
	Last Tested `json:"last"`
	// Sums over all epochs; see [Epoch].
	Unsolved     int `json:"unsolved"`
	AlmostSolved int `json:"almost_solved"`
	Zeroed       int `json:"zeroed"`
	NotUnique    int `json:"not_unique"`
	// RulesOverlap is the mean squared cosine between the learned rows of A and
	// the span of the true rules: 1 if they span the same space, 0.625 by chance.
	RulesOverlap lab.Figure `json:"rules_overlap"`
}

// Result is what a training comes to. The figures of the first network stand
// at the top.
type Result struct {
	Experiment      string     `json:"experiment"`
	Seed            uint64     `json:"seed"`
	Epochs          int        `json:"epochs"` // ended
	Seconds         float64    `json:"seconds"`
	SecondsPerEpoch lab.Figure `json:"seconds_per_epoch"`
	NetResult
	Interrupted bool        `json:"interrupted"`
	Train       int         `json:"train"`     // puzzles
	Test        int         `json:"test"`      // puzzles
	TestSeen    int         `json:"test_seen"` // of them, those that training has too
	Others      []NetResult `json:"others,omitempty"`
	History     []Epoch     `json:"history"`
	Header      lab.Header  `json:"header"`
}

// ended reports whether e is an epoch of training that was not interrupted.
func (e *Epoch) ended() bool { return e.Epoch > 0 && e.TestMSE.Known() }

// choose returns the epoch of net with the smallest training loss, or nil.
func choose(history []Epoch, net string) *Epoch {
	var best *Epoch
	for i := range history {
		e := &history[i]
		if e.Net == net && e.ended() && (best == nil || e.TrainLoss < best.TrainLoss) {
			best = e
		}
	}
	return best
}

func netResult(history []Epoch, net string, overlap lab.Figure) NetResult {
	r := NetResult{Net: net, TrainLoss: lab.None, Tested: untested, Last: untested, RulesOverlap: overlap}
	if e := choose(history, net); e != nil {
		r.Epoch, r.TrainLoss, r.Tested, r.Last = e.Epoch, e.TrainLoss, e.Tested, e.Last
	}
	for _, e := range history {
		if e.Net == net {
			r.Unsolved += e.Unsolved
			r.AlmostSolved += e.AlmostSolved
			r.Zeroed += e.Zeroed
			r.NotUnique += e.NotUnique
		}
	}
	return r
}
