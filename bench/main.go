// Command bench is this module's side of the comparison with other solvers:
//
//	bench problems -dir DIR [-only NAMES] [-seed N]   write the problems, as npz
//	bench serve                                       time and solve what standard input asks for
//
// compare.py drives it, side by side with the programs in peers. README.md says
// what is measured, and how.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const usage = "usage: bench problems -dir DIR [-only NAMES] [-seed N] | bench serve"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, usage)
		return 2
	}
	var err error
	switch args[0] {
	case "problems":
		fs := flag.NewFlagSet("bench problems", flag.ContinueOnError)
		fs.SetOutput(stderr)
		dir := fs.String("dir", "", "folder for the problem files")
		only := fs.String("only", "", "names of the problems to write, separated by commas; all if empty")
		seed := fs.Uint64("seed", 1, "seed of the random numbers")
		if fs.Parse(args[1:]) != nil || *dir == "" || fs.NArg() > 0 {
			fmt.Fprintln(stderr, usage)
			return 2
		}
		var names []string
		if *only != "" {
			names = strings.Split(*only, ",")
		}
		err = writeProblems(*dir, names, *seed, stdout)
	case "serve":
		err = serve(stdin, stdout)
	default:
		fmt.Fprintln(stderr, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}
