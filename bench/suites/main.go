// Command suites solves collections of problem files with the optnet command, holds
// every answer against the known one, and writes the page docs/SUITES.md.
//
//	go run ./bench/suites -data ../shared/data -out docs/SUITES.md
//	go run ./bench/suites -data DIR -peers PYTHON     with Clarabel and PIQP beside
//
// The folder has maros/open with maros/optimal.tsv, mpc with mpc/optimal.tsv,
// conic/open with conic/index.tsv, and sudoku. Every file is solved by a process of
// its own; its solution is written to a file, and that is checked by another process.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// options are the flags.
type options struct {
	data, out, optnet, peers, only string
	limit                          time.Duration
	work                           string
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "../shared/data", "folder of the collections")
	flag.StringVar(&o.out, "out", "docs/SUITES.md", "page to write")
	flag.StringVar(&o.optnet, "optnet", "", "the command; empty: it is built")
	flag.StringVar(&o.peers, "peers", "", "Python with clarabel, piqp and scipy, to be timed beside on the QPs")
	flag.StringVar(&o.only, "only", "", "solve only files whose names match this pattern")
	flag.DurationVar(&o.limit, "limit", time.Minute, "time for each file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "suites:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	if _, err := os.Stat(o.data); err != nil {
		return fmt.Errorf("the collections are not there: %w", err)
	}
	var err error
	if o.work, err = os.MkdirTemp("", "suites"); err != nil {
		return err
	}
	defer os.RemoveAll(o.work)
	if o.optnet == "" {
		o.optnet = filepath.Join(o.work, "optnet")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.optnet, "./cmd/optnet")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building the command: %w", err)
		}
	}
	cases, err := collect(o)
	if err != nil {
		return err
	}
	for _, c := range cases {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c.solve(ctx, o)
		fmt.Fprintf(os.Stderr, "%-24s %-18s %s\n", c.name, c.got.Status, c.verdict())
	}
	boards, err := sudoku(ctx, o)
	if err != nil {
		return err
	}
	return writePage(o, cases, boards)
}
