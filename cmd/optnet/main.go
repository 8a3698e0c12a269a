// Command optnet solves and differentiates optimization problems in files, and
// trains models with optimization layers.
//
//	optnet solve problem.qps                 solve it
//	optnet check problem.qps answer.json     measure anyone's solution
//	optnet diagnose problem.qps              why it is infeasible, unbounded or hard
//	optnet grad problem.qps                  differentiate the solution
//	optnet bench problem.qps                 how fast
//	optnet train sudoku                      learn the rules of 4×4 Sudoku
//	optnet predict sudoku --model DIR BOARD  fill in boards with what was learned
//	optnet version
//
// docs/COMMAND.md has formats, fields and flags.
//
// It exits with 0 if all went well, 1 after an error, 2 if it was called wrongly,
// and 3 if it worked, but not everything was solved. With --json the answer, or
// the error, is JSON on the standard output. Ctrl-C stops it; what is known by
// then is kept.
package main

import (
	"context"
	"os"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
