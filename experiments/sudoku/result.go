package sudoku

import (
	"fmt"
	"io"

	"github.com/optnet-go/optnet/experiments/lab"
)

// The files of an output folder, beside a checkpoint a network (optnet.npz, ...).
const (
	MetricsFile = "metrics.csv"  // a line an epoch
	ResultsFile = "results.json" // a [Result]
	CurvesFile  = "curves.png"   // loss and error
	RulesFile   = "rules.png"    // the learned A and the true rules
)

var allFiles = []string{MetricsFile, ResultsFile, CurvesFile, RulesFile}

func writeMetrics(dir lab.Folder, epochs []lab.Epoch) error {
	return dir.Write(MetricsFile, func(w io.Writer) error {
		fmt.Fprintln(w, "net,epoch,batches,train_loss,train_error,test_mse,test_error,test_error_unseen,test_unsolved,last_test_mse,last_test_error,unsolved,almost_solved,zeroed,not_unique,seconds")
		for i := range epochs {
			e := &epochs[i]
			last := lastOf(e)
			fmt.Fprintf(w, "%s,%d,%d,%v,%v,%v,%v,%v,%d,%v,%v,%d,%d,%d,%d,%.3f\n", e.Net, e.Epoch, e.Batches,
				e.Train.Loss, e.Train.Error, e.Test.Loss, e.Test.Error, e.Test.Unseen, e.InTest.Unsolved,
				last.Loss, last.Error, e.Unsolved, e.AlmostSolved, e.Zeroed, e.NotUnique, e.Seconds)
		}
		return nil
	})
}

// lastOf is the test of the parameters of an epoch's last step.
func lastOf(e *lab.Epoch) lab.Measured {
	if e.Last.IsZero() {
		return e.Test
	}
	return e.Last
}

// NetResult is how one network did. The figures are those of Epoch, the one
// with the smallest training loss.
type NetResult struct {
	Net             string     `json:"net"`
	Epoch           int        `json:"epoch"` // 0: none has ended
	TrainLoss       lab.Figure `json:"train_loss"`
	TestMSE         lab.Figure `json:"test_mse"`          // which is what the loss is
	TestError       lab.Figure `json:"test_error"`        // share of boards not solved
	TestErrorUnseen lab.Figure `json:"test_error_unseen"` // of those puzzles that training has not seen
	TestUnsolved    int        `json:"test_unsolved"`     // boards whose QP ended unsolved
	// Last is the test of the parameters of the last step, where those of the
	// epoch are the mean over its steps; otherwise the same.
	Last lab.Measured `json:"last"`
	// Counts of the QPs in training, over all epochs.
	lab.Counts
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
	History     []lab.Epoch `json:"history"`
	Header      lab.Header  `json:"header"`
}

// unknown is the result of a network of which nothing is known.
func unknown(net string) NetResult {
	none := lab.Measured{Loss: lab.None, MSE: lab.None, Error: lab.None, Unseen: lab.None}
	return NetResult{Net: net, TrainLoss: lab.None, TestMSE: lab.None, TestError: lab.None, TestErrorUnseen: lab.None, Last: none, RulesOverlap: lab.None}
}

func netResult(history []lab.Epoch, net string) NetResult {
	r := unknown(net)
	if e := lab.Chosen(history, net); e != nil {
		r.Epoch, r.TrainLoss, r.Last = e.Epoch, e.Train.Loss, lastOf(e)
		r.TestMSE, r.TestError, r.TestErrorUnseen, r.TestUnsolved = e.Test.Loss, e.Test.Error, e.Test.Unseen, e.InTest.Unsolved
	}
	for i := range history {
		r.Counts.Add(history[i].Counts)
	}
	return r
}
