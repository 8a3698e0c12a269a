package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/optnet-go/optnet/experiments/sudoku"
	"github.com/spf13/cobra"
)

func predictCommand() *cobra.Command {
	cmd := group("predict", "Use the trained model of an experiment")
	cmd.AddCommand(predictDenoise(), predictMNIST(), predictRepresent(), predictSudoku())
	return cmd
}

func predictSudoku() *cobra.Command {
	var (
		model, device string
		workers       int
		asJSON        bool
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
			if err := checkDevice(device); err != nil {
				return err
			}
			switch {
			case workers < 0:
				return usagef("--workers is %d, want 1 or more, or 0 for one a processor", workers)
			case model == "":
				return usagef("--model is missing, want the folder of a training, runs/sudoku for example")
			case len(args) == 0:
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
			m, err := sudoku.Load(model, workers)
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
