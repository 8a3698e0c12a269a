package sudoku

import (
	"math"
	"strconv"
)

// Figure is a number that may be missing: NaN, which is null in JSON and empty
// in a table.
type Figure float64

var none = Figure(math.NaN())

// Known reports whether there is a number.
func (f Figure) Known() bool { return f == f }

// String is empty for a missing number.
func (f Figure) String() string {
	if !f.Known() {
		return ""
	}
	return strconv.FormatFloat(float64(f), 'g', -1, 64)
}

// MarshalJSON writes null for a missing number.
func (f Figure) MarshalJSON() ([]byte, error) {
	if f-f != 0 { // infinite too: JSON has no word for it
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(f), 'g', -1, 64), nil
}

// UnmarshalJSON is the inverse.
func (f *Figure) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*f = none
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*f = Figure(v)
	return err
}

// Epoch is one line of metrics. Epoch 0 is the network before training.
type Epoch struct {
	Net     string `json:"net"`
	Epoch   int    `json:"epoch"`
	Batches int    `json:"batches"` // trained on; fewer than the epoch has if interrupted
	// TrainLoss is the mean over the batches of the mean squared error before
	// each step, TrainError the share of boards not solved likewise.
	TrainLoss  Figure `json:"train_loss"`
	TrainError Figure `json:"train_error"`
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
	TestMSE   Figure `json:"test_mse"`
	TestError Figure `json:"test_error"` // share of boards not solved
	// TestErrorUnseen is that share among the puzzles that training has not seen.
	TestErrorUnseen Figure `json:"test_error_unseen"`
	TestUnsolved    int    `json:"test_unsolved"` // boards whose QP ended unsolved
}

var untested = Tested{TestMSE: none, TestError: none, TestErrorUnseen: none}

// NetResult is how one network did. The figures are those of Epoch, the one
// with the smallest training loss.
type NetResult struct {
	Net       string `json:"net"`
	Epoch     int    `json:"epoch"` // 0: none has ended
	TrainLoss Figure `json:"train_loss"`
	Tested
	Last Tested `json:"last"`
	// Sums over all epochs; see [Epoch].
	Unsolved     int `json:"unsolved"`
	AlmostSolved int `json:"almost_solved"`
	Zeroed       int `json:"zeroed"`
	NotUnique    int `json:"not_unique"`
	// RulesOverlap is the mean squared cosine between the learned rows of A and
	// the span of the true rules: 1 if they span the same space, 0.625 by chance.
	RulesOverlap Figure `json:"rules_overlap"`
}

// Header says what ran, and where.
type Header struct {
	Version    string            `json:"version"`
	Revision   string            `json:"revision"`
	Go         string            `json:"go"`
	CPU        string            `json:"cpu"`
	KernelSet  string            `json:"kernel_set"`
	Device     string            `json:"device"`
	Flags      map[string]string `json:"flags"`
	Generator  string            `json:"generator"`   // of random numbers
	DataSHA256 string            `json:"data_sha256"` // of the lines puzzle,solution
}

// Result is what a training comes to. The figures of the first network stand
// at the top.
type Result struct {
	Experiment      string  `json:"experiment"`
	Seed            uint64  `json:"seed"`
	Epochs          int     `json:"epochs"` // ended
	Seconds         float64 `json:"seconds"`
	SecondsPerEpoch Figure  `json:"seconds_per_epoch"`
	NetResult
	Interrupted bool        `json:"interrupted"`
	Train       int         `json:"train"`     // puzzles
	Test        int         `json:"test"`      // puzzles
	TestSeen    int         `json:"test_seen"` // of them, those that training has too
	Others      []NetResult `json:"others,omitempty"`
	History     []Epoch     `json:"history"`
	Header      Header      `json:"header"`
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

func netResult(history []Epoch, net string, overlap Figure) NetResult {
	r := NetResult{Net: net, TrainLoss: none, Tested: untested, Last: untested, RulesOverlap: overlap}
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
