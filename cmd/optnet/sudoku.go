package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/sudoku"
	"github.com/spf13/cobra"
)

func trainSudoku() *cobra.Command {
	t := &training{cfg: lab.Config{Nets: []string{"optnet"}, Epochs: 5, Batch: 150, Out: "runs/sudoku"}}
	var keepLast bool
	cmd := &cobra.Command{
		Use:   "sudoku",
		Short: "Learn the rules of 4×4 Sudoku from solved puzzles",
		Long: `Learn the rules of 4×4 Sudoku from solved puzzles, as in section 4.4 of the
OptNet paper: one quadratic program whose equations are learned. The first nine
tenths of the puzzles are trained on, in their order, the others are for tests.

Into the output folder go metrics.csv (a line an epoch), a checkpoint a network
with the parameters of the epoch with the smallest training loss, curves.png,
rules.png and results.json. A board counts as wrong if a row, column or block is
invalid or a given digit was changed.

The parameters of an epoch are the mean over its steps: at the paper's learning
rate each step alone is noisy. What those of the last step, the paper's, come to
is reported too; --keep-last makes them count.

--net fc and --net conv train the paper's networks without such a layer, with 32
channels instead of 512 in conv; --net optnet,fc trains both and draws both
into one plot.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.config(cmd.Flags())
			if err != nil {
				return err
			}
			var res *sudoku.Result
			return t.run(cmd, func(r lab.Report) (any, error) {
				res, err = sudoku.Run(cmd.Context(), sudoku.Config{Config: c, KeepLast: keepLast}, r)
				return res, err
			}, func(w io.Writer) { summarizeSudoku(w, res) })
		},
	}
	t.add(cmd.Flags(), "passes over the training puzzles", "puzzles in a batch", "learning rate of Adam; 0: 0.1 for optnet, 0.001 for fc and conv",
		"networks to train: "+strings.Join(sudoku.Nets(), ", "),
		"file, or folder of .csv and .csv.gz files, with lines puzzle,solution; none: 10,000 puzzles generated from the seed")
	cmd.Flags().BoolVar(&keepLast, "keep-last", false, "the parameters of an epoch are those of its last step, not the mean over its steps")
	return cmd
}

func summarizeSudoku(w io.Writer, res *sudoku.Result) {
	for _, n := range append([]sudoku.NetResult{res.NetResult}, res.Others...) {
		unseen, last := "", ""
		if n.Last.Loss != n.TestMSE {
			last = fmt.Sprintf("; with the parameters of its last step: %s", n.Last.Error.Percent())
		}
		if res.TestSeen > 0 && n.TestErrorUnseen.Known() {
			unseen = fmt.Sprintf(" (without the %d seen in training: %s)", res.TestSeen, n.TestErrorUnseen.Percent())
		}
		fmt.Fprintf(w, "%s: epoch %d, chosen by training loss: test error %s%s, test MSE %.3g%s\n", n.Net, n.Epoch, n.TestError.Percent(), unseen, float64(n.TestMSE), last)
		if n.Unsolved+n.AlmostSolved+n.Zeroed+n.TestUnsolved > 0 {
			fmt.Fprintf(w, "%s: of the QPs of all epochs, in training %d were not solved, %d with reduced accuracy, %d had no gradient; %d were not solved in tests\n", n.Net, n.Unsolved, n.AlmostSolved, n.Zeroed, n.TestUnsolved)
		}
	}
	fmt.Fprintf(w, "%d epochs in %.1f s; ", res.Epochs, res.Seconds)
}

func predictSudoku() *cobra.Command {
	var (
		model, net, device string
		workers            int
		asJSON             bool
	)
	cmd := &cobra.Command{
		Use:   "sudoku --model DIR BOARD...",
		Short: "Fill in 4×4 boards with a trained network",
		Long: `Fill in 4×4 boards with a network that "optnet train sudoku" has trained. A BOARD
is 16 characters, row by row: 1 to 4, and 0 or a dot for a blank. The BOARD "-"
reads boards from standard input, one a line.

The exit code is 3 if a board that comes out breaks a rule or changes a given
digit.`,
		Example: "  optnet predict sudoku --model runs/sudoku 0300001040000002",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPredict(device, workers, model, "runs/sudoku"); err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("no board given, want 16 characters for each, 0 for a blank: 0300001040000002 for example")
			}
			var boards []sudoku.Board
			for _, arg := range args {
				texts := []string{arg}
				if arg == "-" {
					texts = nil
					in := bufio.NewScanner(cmd.InOrStdin())
					for in.Scan() {
						if s := strings.TrimSpace(in.Text()); s != "" {
							texts = append(texts, s)
						}
					}
					if err := in.Err(); err != nil {
						return fmt.Errorf("reading boards from standard input: %w", err)
					}
				}
				for _, s := range texts {
					b, err := sudoku.ParseBoard(s)
					if err != nil {
						return &usageError{err}
					}
					boards = append(boards, b)
				}
			}
			m, err := sudoku.Load(model, net, workers)
			if err != nil {
				return err
			}
			res, err := m.Predict(cmd.Context(), boards)
			if err != nil {
				return err
			}
			return printPredictions(cmd, boards, res, asJSON)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&model, "model", "", "folder of a training")
	f.StringVar(&net, "net", "", "network; none: the first there is of "+strings.Join(sudoku.Nets(), ", "))
	f.IntVar(&workers, "workers", 0, "goroutines of the QP solver, 0: one a processor")
	f.StringVar(&device, "device", "cpu", "device of the QP solver")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a board")
	return cmd
}

func printPredictions(cmd *cobra.Command, boards []sudoku.Board, res []sudoku.Prediction, asJSON bool) error {
	w := cmd.OutOrStdout()
	wrong := 0
	for i, r := range res {
		if !r.Solved {
			wrong++
		}
		var err error
		if asJSON {
			err = writeJSON(w, struct {
				Puzzle string `json:"puzzle"`
				Board  string `json:"board"`
				Solved bool   `json:"solved"`
				Status string `json:"status"`
			}{boards[i].String(), r.Board.String(), r.Solved, r.Status.String()})
		} else {
			note := ""
			switch {
			case r.Solved:
			case !r.Board.Keeps(boards[i]):
				note = "  (wrong: a given digit was changed)"
			case !r.Board.Valid():
				note = "  (wrong: a row, column or block is invalid)"
			default:
				note = "  (the QP ended " + r.Status.String() + ")"
			}
			if i > 0 {
				fmt.Fprintln(w)
			}
			_, err = fmt.Fprintf(w, "%v,%v%s\n%s", boards[i], r.Board, note, r.Board.Grid())
		}
		if err != nil {
			return err
		}
	}
	if wrong > 0 {
		return errNotSolved
	}
	return nil
}
