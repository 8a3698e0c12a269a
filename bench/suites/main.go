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
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	data, out, optnet, peers, only, suite, state, note string
	limit                                              time.Duration
	work                                               string
}

func main() {
	var o options
	flag.StringVar(&o.data, "data", "../shared/data", "folder of the collections")
	flag.StringVar(&o.out, "out", "docs/SUITES.md", "page to write")
	flag.StringVar(&o.optnet, "optnet", "", "the command; empty: it is built")
	flag.StringVar(&o.peers, "peers", "", "Python with clarabel, piqp and scipy, to be timed beside on the QPs")
	flag.StringVar(&o.only, "only", "", "solve only files whose names match this pattern")
	flag.StringVar(&o.suite, "suite", "", "solve only these suites, separated by commas: maros, mpc, cblib, sdplib, small, sudoku")
	flag.StringVar(&o.state, "state", "", "file that keeps the figures: what is not solved now is taken from it")
	flag.StringVar(&o.note, "note", "", "sentence about the machine, for the page")
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
	all, err := collect(o)
	if err != nil {
		return err
	}
	st := loadState(o.state)
	for _, c := range all {
		if ctx.Err() != nil {
			break
		}
		if !o.chosen(c.Suite, c.Name) {
			continue
		}
		c.solve(ctx, o)
		if ctx.Err() != nil {
			break
		}
		st.Cases[c.key()] = c.figures
		fmt.Fprintf(os.Stderr, "%-24s %-18s %s\n", c.Name, c.Got.Status, c.verdict())
		if err := st.save(o.state); err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		if err := sudoku(ctx, o, st); err != nil {
			return err
		}
		if err := st.save(o.state); err != nil {
			return err
		}
	}
	var cases []*testcase
	var missing []string
	for _, c := range all {
		if f, ok := st.Cases[c.key()]; ok {
			c.figures = f
			cases = append(cases, c)
		} else {
			missing = append(missing, c.Name)
		}
	}
	if err := writePage(o, cases, missing, st.Boards); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// chosen reports whether a case is to be solved now.
func (o *options) chosen(suite, name string) bool {
	if o.suite != "" && !slices.Contains(strings.Split(o.suite, ","), suite) {
		return false
	}
	ok, _ := filepath.Match(o.only, name)
	return ok || o.only == ""
}

// state is all figures, as they are kept between runs.
type state struct {
	Cases  map[string]figures
	Boards []boards
}

func loadState(name string) *state {
	st := &state{Cases: make(map[string]figures)}
	if text, err := os.ReadFile(name); err == nil {
		if err := json.Unmarshal(text, st); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v: beginning anew\n", name, err)
			st = &state{Cases: make(map[string]figures)}
		}
	}
	return st
}

func (st *state) save(name string) error {
	if name == "" {
		return nil
	}
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".tmp", text, 0o666); err != nil {
		return err
	}
	return os.Rename(name+".tmp", name)
}
