package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/optnet-go/optnet/experiments/denoise"
	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/spf13/cobra"
)

func trainDenoise() *cobra.Command {
	t := &training{cfg: lab.Config{Out: "runs/denoise", Nets: []string{"tuned"}}}
	var signals int
	cmd := &cobra.Command{
		Use:   "denoise",
		Short: "Learn to denoise signals, better than total variation does",
		Long: `Learn to denoise piecewise constant signals, as in section 4.2 of the OptNet paper,
on its data, bit for bit: 9,000 signals for training, 1,000 for tests.

Exact total variation is computed first, as the baseline. --net says what is
trained: fc is a network of two layers, learn-d a layer that learns the operator
of total variation from nothing, tuned one that starts at total variation and
learns the rest. With all three the table of the paper is repeated:

  optnet train denoise --net fc,learn-d,tuned

Into the output folder go metrics.csv (a line an epoch), a checkpoint a network,
table.txt, curves.png, tv.png, signals.png, operator.png and results.json.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.config(cmd.Flags())
			if err != nil {
				return err
			}
			var res *denoise.Result
			return t.run(cmd, func(r lab.Report) (any, error) {
				res, err = denoise.Run(cmd.Context(), denoise.Config{Config: c, Signals: signals}, r)
				return res, err
			}, func(w io.Writer) {
				fmt.Fprintf(w, "%s%.1f s; ", res.Table(), res.Seconds)
			})
		},
	}
	t.add(cmd.Flags(), "passes over the training signals; 0: "+denoise.Epochs(), "signals in a batch; 0: 150",
		"learning rate of Adam; 0: "+denoise.LearningRates(), "networks to train: "+strings.Join(denoise.Nets(), ", "),
		".npz file with the arrays X and Y, signals with noise and without; none: those of the paper, whatever the seed")
	cmd.Flags().IntVar(&signals, "signals", 10000, "signals to generate; the last tenth is for tests")
	return cmd
}

func predictDenoise() *cobra.Command {
	var (
		model, net, device string
		workers            int
		asJSON             bool
	)
	cmd := &cobra.Command{
		Use:   "denoise --model DIR FILE...",
		Short: "Denoise signals with a trained network",
		Long: `Denoise signals with a network that "optnet train denoise" has trained. Each line of
a FILE is a signal: ` + strconv.Itoa(denoise.Length) + ` numbers with commas or blanks between them. The answer has a
line for each. The FILE "-" is standard input.`,
		Example: "  optnet predict denoise --model runs/denoise signals.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPredict(device, workers, model, "runs/denoise"); err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("no file given, want files with a signal of %d numbers a line", denoise.Length)
			}
			var x []float64
			for _, name := range args {
				var err error
				if x, err = readSignals(x, name, cmd.InOrStdin()); err != nil {
					return err
				}
			}
			m, err := denoise.Load(model, net, workers)
			if err != nil {
				return err
			}
			z, err := m.Predict(cmd.Context(), x)
			if err != nil {
				return err
			}
			w := bufio.NewWriter(cmd.OutOrStdout())
			for ; len(z) > 0; z = z[denoise.Length:] {
				s := z[:denoise.Length]
				if asJSON {
					if err := writeJSON(w, struct {
						Signal []float64 `json:"signal"`
					}{s}); err != nil {
						return err
					}
					continue
				}
				for i, v := range s {
					if i > 0 {
						w.WriteByte(',')
					}
					w.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
				}
				w.WriteByte('\n')
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&model, "model", "", "folder of a training")
	f.StringVar(&net, "net", "", "network, where the training had several: "+strings.Join(denoise.Nets(), ", "))
	f.IntVar(&workers, "workers", 0, "goroutines of the QP solver, 0: one a processor")
	f.StringVar(&device, "device", "cpu", "device of the QP solver")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a signal")
	return cmd
}

// checkPredict looks at the flags that all predictions have.
func checkPredict(device string, workers int, model, example string) error {
	if err := checkDevice(device); err != nil {
		return err
	}
	switch {
	case workers < 0:
		return usagef("--workers is %d, want 1 or more, or 0 for one a processor", workers)
	case model == "":
		return usagef("--model is missing, want the folder of a training, %s for example", example)
	}
	return nil
}

// readSignals appends the signals of a file.
func readSignals(x []float64, name string, stdin io.Reader) ([]float64, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, lab.OfFile(name, err)
		}
		defer f.Close()
		in = f
	}
	scan := bufio.NewScanner(in)
	for line := 1; scan.Scan(); line++ {
		fields := strings.FieldsFunc(scan.Text(), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' })
		if len(fields) == 0 {
			continue
		}
		if len(fields) != denoise.Length {
			return nil, &lab.FileError{File: name, Line: line, Err: fmt.Errorf("%d numbers, want %d: a signal", len(fields), denoise.Length)}
		}
		for _, s := range fields {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return nil, &lab.FileError{File: name, Line: line, Err: fmt.Errorf("%q is no number", s)}
			}
			x = append(x, v)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, lab.OfFile(name, err)
	}
	return x, nil
}
