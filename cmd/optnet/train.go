package main

import (
	"fmt"
	"strings"

	"github.com/optnet-go/optnet/experiments/lab"
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
