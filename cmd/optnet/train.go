package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/sudoku"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func trainCommand() *cobra.Command {
	cmd := group("train", "Train the model of an experiment")
	cmd.AddCommand(trainDenoise(), trainMNIST(), trainRepresent(), trainSudoku())
	wrong := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrong(cmd, args)
		}
		for _, c := range cmd.Commands() { // alone it lists them
			fmt.Fprintf(cmd.OutOrStdout(), "%-10s  %s\n", c.Name(), c.Short)
		}
		return nil
	}
	return cmd
}

func trainSudoku() *cobra.Command {
	cfg := sudoku.Config{Nets: []string{"optnet"}, Epochs: 5, Batch: 150}
	var (
		device        string
		asJSON, quiet bool
	)
	cmd := &cobra.Command{
		Use:   "sudoku",
		Short: "Learn the rules of 4×4 Sudoku from solved puzzles",
		Long: `Learn the rules of 4×4 Sudoku from solved puzzles, as in section 4.4 of the
OptNet paper: one quadratic program whose equations are learned. The first nine
tenths of the puzzles are trained on, in their order, the others are for tests.

Into the output folder go metrics.csv (a line an epoch), model.json (the
parameters of the epoch with the smallest training loss), curves.png, rules.png
and results.json. A board counts as wrong if a row, column or block is invalid
or a given digit was changed.

The parameters of an epoch are the mean over its steps: at the paper's learning
rate each step alone is noisy. What those of the last step, the paper's, come to
is reported too (last_test_error); --keep-last makes them count.

--net fc and --net conv train the paper's networks without such a layer, with 32
channels instead of 512 in conv; --net optnet,fc trains both and draws both
into one plot.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTrain(cmd.Flags(), &cfg); err != nil {
				return err
			}
			var err error
			if cfg.Engine, err = openDevice(device); err != nil {
				return err
			}
			cfg.Header = header(cmd.Flags(), device)
			lines := cmd.OutOrStdout()
			if asJSON {
				lines = cmd.ErrOrStderr()
			}
			if quiet {
				lines = io.Discard
			}
			show := &progress{lines: lines, cfg: &cfg}
			if !quiet {
				show.bars = newBars(cmd.ErrOrStderr())
			}
			res, err := sudoku.Run(cmd.Context(), cfg, show.report())
			show.end()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), res)
			}
			return summarize(cmd.OutOrStdout(), res, cfg.Out)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Uint64Var(&cfg.Seed, "seed", 0, "seed of puzzles and first parameters")
	f.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "passes over the training puzzles")
	f.IntVar(&cfg.Batch, "batch", cfg.Batch, "puzzles in a batch")
	f.Float64Var(&cfg.LR, "lr", 0, "learning rate of Adam; 0: 0.1 for optnet, 0.001 for fc and conv")
	f.BoolVar(&cfg.KeepLast, "keep-last", false, "the parameters of an epoch are those of its last step, not the mean over its steps")
	f.StringVar(&cfg.Data, "data", "", "file, or folder of .csv and .csv.gz files, with lines puzzle,solution; none: 10,000 generated puzzles")
	f.StringSliceVar(&cfg.Nets, "net", cfg.Nets, "networks to train: "+strings.Join(sudoku.Nets(), ", "))
	f.StringVar(&cfg.Out, "out", "runs/sudoku", "folder for the results; what a run left there is replaced")
	f.BoolVar(&cfg.Resume, "resume", false, "go on from the checkpoints in the folder for the results, to the same result")
	f.IntVar(&cfg.Workers, "workers", 0, "goroutines of the QP solver, 0: one a processor; they change no figure")
	f.StringVar(&device, "device", "cpu", "device of the QP solver: cpu, cuda:0, or cuda:0,1 for several")
	f.BoolVar(&asJSON, "json", false, "print one JSON object at the end, and all else to standard error")
	f.BoolVar(&quiet, "quiet", false, "print only the end")
	return cmd
}

// checkTrain looks for values that no run can have.
func checkTrain(f *pflag.FlagSet, cfg *sudoku.Config) error {
	switch {
	case cfg.Epochs < 1:
		return usagef("--epochs is %d, want 1 or more", cfg.Epochs)
	case cfg.Batch < 1:
		return usagef("--batch is %d, want 1 or more", cfg.Batch)
	case !(cfg.LR >= 0) || cfg.LR > 1e6:
		return usagef("--lr is %v, want a positive number, or 0 for the default", cfg.LR)
	case cfg.Workers < 0:
		return usagef("--workers is %d, want 1 or more, or 0 for one a processor", cfg.Workers)
	case cfg.Out == "":
		return usagef("--out is empty, want a folder")
	case f.Changed("data") && cfg.Data == "":
		return usagef("--data is empty, want a file or a folder; leave it out for generated puzzles")
	}
	if err := cfg.CheckNets(); err != nil {
		return usagef("--net: %w", err)
	}
	return nil
}

func header(f *pflag.FlagSet, device string) lab.Header {
	b := thisBuild()
	h := lab.Header{Version: b.Version, Revision: b.Revision, Go: b.Go, CPU: b.CPU, KernelSet: b.Kernels, Device: device, Flags: map[string]string{}}
	f.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			h.Flags[f.Name] = strings.Trim(f.Value.String(), "[]")
		}
	})
	return h
}

func summarize(w io.Writer, res *sudoku.Result, out string) error {
	for _, n := range append([]sudoku.NetResult{res.NetResult}, res.Others...) {
		unseen, last := "", ""
		if n.Last != n.Tested {
			last = fmt.Sprintf("; with the parameters of its last step: %s", percent(n.Last.TestError))
		}
		if res.TestSeen > 0 && n.TestErrorUnseen.Known() {
			unseen = fmt.Sprintf(" (without the %d seen in training: %s)", res.TestSeen, percent(n.TestErrorUnseen))
		}
		fmt.Fprintf(w, "%s: epoch %d, chosen by training loss: test error %s%s, test MSE %.3g%s\n", n.Net, n.Epoch, percent(n.TestError), unseen, float64(n.TestMSE), last)
		if n.Unsolved+n.AlmostSolved+n.Zeroed+n.TestUnsolved > 0 {
			fmt.Fprintf(w, "%s: of the QPs of all epochs, in training %d were not solved, %d with reduced accuracy, %d had no gradient; %d were not solved in tests\n", n.Net, n.Unsolved, n.AlmostSolved, n.Zeroed, n.TestUnsolved)
		}
	}
	_, err := fmt.Fprintf(w, "%d epochs in %.1f s; results in %s\n", res.Epochs, res.Seconds, out)
	return err
}

// percent is a share of boards.
func percent(f lab.Figure) string {
	if !f.Known() {
		return "unknown"
	}
	return fmt.Sprintf("%.4g %%", 100*float64(f))
}
