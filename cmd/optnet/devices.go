package main

import (
	"errors"
	"fmt"

	"github.com/optnet-go/optnet/cuda"
	"github.com/spf13/cobra"
)

func devicesCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "List the GPUs that can be used",
		Long: `List the NVIDIA GPUs of this machine. The number of one, as in cuda:0, is what
--device of other commands takes. That there is none is no error.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := cuda.Devices()
			none := errors.Is(err, cuda.ErrNoDevice)
			if err != nil && !none {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				answer := struct {
					CPU     string        `json:"cpu"`
					Devices []cuda.Device `json:"devices"`
					Reason  string        `json:"reason,omitempty"` // why there is none
				}{CPU: thisBuild().CPU, Devices: append([]cuda.Device{}, list...)}
				if none {
					answer.Reason = err.Error()
				}
				return writeJSON(out, answer)
			}
			fmt.Fprintf(out, "cpu     %s\n", thisBuild().CPU)
			for _, d := range list {
				fmt.Fprintf(out, "cuda:%d  %s, %.1f GiB, compute capability %d.%d, %d multiprocessors, driver for CUDA %s\n",
					d.Ordinal, d.Name, float64(d.Memory)/(1<<30), d.Major, d.Minor, d.Multiprocessors, d.Driver)
			}
			if none {
				fmt.Fprintf(cmd.ErrOrStderr(), "no GPU: %v\n", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
