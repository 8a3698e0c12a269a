package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/optnet-go/optnet/experiments/lab"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK        = 0
	exitError     = 1
	exitUsage     = 2
	exitNotSolved = 3
)

// usageError is a wrong call, and not something that went wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errNotSolved makes the exit code 3; all has been said.
var errNotSolved = errors.New("not solved")

// run is the command: everything but the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	root := rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	switch {
	case errors.Is(err, errNotSolved):
		return exitNotSolved
	case errors.Is(err, errSaid):
		return exitError
	}
	if slices.Contains(args, "--json") || slices.Contains(args, "--json=true") {
		writeErrorJSON(stdout, err)
	} else {
		fmt.Fprintln(stderr, "optnet:", err)
	}
	var u *usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitError
}

func writeErrorJSON(w io.Writer, err error) {
	obj := struct {
		File  string `json:"file,omitempty"`
		Line  int    `json:"line,omitempty"`
		Error string `json:"error"`
	}{Error: err.Error()}
	var f *lab.FileError
	var of *fileError
	switch {
	case errors.As(err, &f):
		obj.File, obj.Line = f.File, f.Line
	case errors.As(err, &of):
		obj.File, obj.Line, obj.Error = of.file, of.line, of.err.Error()
	}
	writeJSON(w, obj)
}

// writeJSON prints one object on one line.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func rootCommand() *cobra.Command {
	root := group("optnet", "Optimization problems as layers of models")
	root.Long = "optnet solves and differentiates optimization problems in files, and trains models\nwith optimization layers."
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usagef("%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(solveCommand(), gradCommand(), checkCommand(), diagnoseCommand(), benchCommand(), trainCommand(), predictCommand(), devicesCommand(), versionCommand())
	return root
}

// group is a command that only has other ones.
func group(use, short string) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var names []string
			for _, c := range cmd.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name())
				}
			}
			want := "want one of: " + strings.Join(names, ", ")
			if len(args) == 0 {
				return usagef("%s; see: %s --help", want, cmd.CommandPath())
			}
			hint := ""
			if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
				hint = "; did you mean " + s[0] + "?"
			}
			return usagef("there is no command %q, %s%s", cmd.CommandPath()+" "+args[0], want, hint)
		},
		SuggestionsMinimumDistance: 2,
	}
}
