package main

import "github.com/spf13/cobra"

func predictCommand() *cobra.Command {
	cmd := group("predict", "Use the trained model of an experiment")
	cmd.AddCommand(predictDenoise(), predictMNIST(), predictRepresent(), predictSudoku())
	return cmd
}
