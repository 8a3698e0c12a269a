package main

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// titles are the suites, in the order of the page.
var titles = []struct{ name, title string }{
	{"maros", "Maros-Mészáros: convex QPs"},
	{"mpc", "Model predictive control: small QPs"},
	{"cblib", "CBLIB: second-order, exponential and power cones"},
	{"sdplib", "SDPLIB: semidefinite programs"},
	{"small", "Small cases of every cone"},
}

// writePage writes docs/SUITES.md.
func writePage(o *options, cases []*testcase, missing []string, sudoku []boards) error {
	var b strings.Builder
	b.WriteString(`# Suites

What ` + "`optnet solve`" + ` does with collections of problems that were made elsewhere, whose optimal
values are known. ` + "`make suites`" + ` writes this page; nothing in it is typed by hand.

Every file is solved by a process of its own, with the defaults (residuals of 1e-8) and at
most ` + o.limit.String() + `; another process, ` + "`optnet check`" + `, then measures the solution on the file's data.
**Good** is a file that ends as it is known to: Solved, confirmed by the check, with an
objective within 1e-6 of the reference (relative, absolute below 1; or within what the
reference itself is good to), or infeasible with a proof that the check confirms.
**Wrong** is a status that says something untrue. ` + "`hinf*`, `sched_*` and `nql*`" + ` have references
of few digits: AlmostSolved with a check counts there.

`)
	fmt.Fprintf(&b, "%s, %s; %s\n\n", machine(), runtime.Version(), time.Now().UTC().Format("2006-01-02"))
	if o.note != "" {
		b.WriteString(o.note + "\n\n")
	}
	b.WriteString("| suite | files | good | wrong | unsolved or off |\n| --- | ---: | ---: | ---: | --- |\n")
	for _, s := range titles {
		files, good, wrong := 0, 0, 0
		var off []string
		for _, c := range cases {
			if c.Suite != s.name {
				continue
			}
			files++
			switch {
			case c.good():
				good++
			case c.wrong():
				wrong++
				fallthrough
			default:
				off = append(off, c.Name)
			}
		}
		if files > 0 {
			fmt.Fprintf(&b, "| [%s](#%s) | %d | %d (%.1f %%) | %d | %s |\n", s.title, s.name, files, good, 100*float64(good)/float64(files), wrong, strings.Join(off, ", "))
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "\nNot run this time: %s.\n", strings.Join(missing, ", "))
	}
	explain(&b, cases)
	for _, s := range titles {
		section(&b, s.name, s.title, cases)
	}
	if len(sudoku) > 0 {
		b.WriteString("\n## Sudoku\n\n<a name=\"sudoku\"></a>Puzzles as QPs: one number for every cell and digit, ½·0.1‖z‖², the rules as equalities, given digits as\nlower bounds, no integers. Every QP has to be solved; where the relaxation has but one point, its largest numbers\nare the solution of the puzzle, and elsewhere they need not be. Of the 9×9 files the first " + fmt.Sprint(maxBoards) + " are taken.\n\n")
		b.WriteString("| file | puzzles | QPs solved | boards right | seconds |\n| --- | ---: | ---: | ---: | ---: |\n")
		for _, s := range sudoku {
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %.3g |\n", s.Name, s.Puzzles, s.Solved, s.Right, s.Seconds)
		}
	}
	return os.WriteFile(o.out, []byte(b.String()), 0o666)
}

// explain lists what did not end well, one by one.
func explain(b *strings.Builder, cases []*testcase) {
	b.WriteString("\n## What did not end well\n\n")
	none := true
	for _, c := range cases {
		if c.good() {
			continue
		}
		none = false
		fmt.Fprintf(b, "- **%s** (%s): %s, %s.", c.Name, c.Suite, c.Got.Status, strings.TrimSuffix(c.verdict(), "."))
		if r := c.Got.Relative; r != nil && c.Got.Status != "PrimalInfeasible" && c.Got.Status != "DualInfeasible" {
			fmt.Fprintf(b, " Largest residual over 1 + its scale: %.1e.", *r)
		}
		if c.Got.Why != "" {
			fmt.Fprintf(b, " Solver: %s (%s).", c.Got.Solver, c.Got.Why)
		}
		if e := c.err(); !math.IsNaN(e) {
			fmt.Fprintf(b, " Objective off by %.1e.", e)
		}
		if c.note != "" {
			fmt.Fprintf(b, " About the file: %s.", strings.TrimSuffix(c.note, "."))
		}
		for _, p := range c.Peers {
			fmt.Fprintf(b, " %s: %s, %.3g s.", p.Solver, p.Status, p.Seconds)
		}
		b.WriteString("\n")
	}
	if none {
		b.WriteString("Nothing.\n")
	}
}

func section(b *strings.Builder, suite, title string, all []*testcase) {
	var cases []*testcase
	peers := false
	for _, c := range all {
		if c.Suite == suite {
			cases = append(cases, c)
			peers = peers || len(c.Peers) > 0
		}
	}
	if len(cases) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n<a name=\"%s\"></a>", title, suite)
	if peers {
		comparison(b, cases)
	}
	b.WriteString("\n\n| name | n | m | status | objective | known | error | primal | dual | gap | iterations | seconds |")
	rule := "\n| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
	if suite == "mpc" {
		b.WriteString(" warm, ms |")
		rule += " ---: |"
	}
	if suite == "maros" || suite == "mpc" {
		b.WriteString(" solver |")
		rule += " --- |"
	}
	if peers {
		b.WriteString(" Clarabel, s | PIQP, s |")
		rule += " ---: | ---: |"
	}
	b.WriteString(rule + "\n")
	for _, c := range cases {
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %d | %s |", c.Name, c.Got.Variables, c.Got.Rows, mark(c), cell(c.Got.Objective, "%.9g"), known(c.known), errorCell(c.err()),
			cell(c.Check.Primal, "%.0e"), cell(c.Check.Dual, "%.0e"), cell(c.Check.Gap, "%.0e"), c.Got.Iterations, cell(c.Got.Seconds, "%.3g"))
		if suite == "mpc" {
			fmt.Fprintf(b, " %s |", warm(c))
		}
		if suite == "maros" || suite == "mpc" {
			fmt.Fprintf(b, " %s |", c.Got.Solver)
		}
		if peers {
			for _, name := range peerNames {
				fmt.Fprintf(b, " %s |", peerCell(c, name))
			}
		}
		b.WriteString("\n")
	}
}

var peerNames = []string{"clarabel", "piqp"}

// passes reports whether a peer's point passes the test at 1e-6 of the scales, with
// the objective that is known: more is not asked of it.
func (p *peer) passes(c *testcase) bool {
	return p.Relative != nil && *p.Relative <= 1e-6 && p.Objective != nil && (math.IsNaN(c.known) || math.Abs(*p.Objective-c.known) <= 1e-5*max(1, math.Abs(c.known)))
}

func peerCell(c *testcase, name string) string {
	for _, p := range c.Peers {
		if p.Solver == name {
			if p.passes(c) {
				return fmt.Sprintf("%.3g", p.Seconds)
			}
			return fmt.Sprintf("%.3g, %s", p.Seconds, strings.ReplaceAll(p.Status, "|", "/"))
		}
	}
	return ""
}

// comparison writes the shifted geometric means of the times.
func comparison(b *strings.Builder, all []*testcase) {
	const failed = 60.0 // seconds that a failure counts
	var cases []*testcase
	var without []string
	for _, c := range all {
		if len(c.Peers) == len(peerNames) {
			cases = append(cases, c)
		} else {
			without = append(without, c.Name)
		}
	}
	b.WriteString("Times beside other solvers, each file one after the other on one machine, with tolerances of 1e-8: the shifted\ngeometric mean, a failure counting as 60 s. Seconds are those of setting up and solving, without reading; for optnet\nthe conversion of the file's rows is in it. A peer fails if its point does not pass a residual of 1e-6 of the\nscales or its objective is off by more than 1e-5: more is not asked of it.\n\n")
	if len(without) > 0 {
		fmt.Fprintf(b, "Not compared: %s.\n\n", strings.Join(without, ", "))
	}
	b.WriteString("| solver | files solved | mean, shift 1 s | mean, shift 10 ms |\n| --- | ---: | ---: | ---: |\n")
	line := func(name string, seconds func(c *testcase) (float64, bool)) {
		solved := 0
		var long, short float64
		for _, c := range cases {
			t, ok := seconds(c)
			if ok {
				solved++
			} else {
				t = failed
			}
			long += math.Log(t + 1)
			short += math.Log(t + 0.01)
		}
		n := float64(len(cases))
		fmt.Fprintf(b, "| %s | %d of %d | %.3g s | %.3g ms |\n", name, solved, len(cases), math.Exp(long/n)-1, 1e3*(math.Exp(short/n)-0.01))
	}
	line("optnet", func(c *testcase) (float64, bool) {
		if c.Got.Seconds == nil {
			return 0, false
		}
		return *c.Got.Seconds, c.good()
	})
	for _, name := range peerNames {
		line(name, func(c *testcase) (float64, bool) {
			for _, p := range c.Peers {
				if p.Solver == name {
					return p.Seconds, p.passes(c)
				}
			}
			return 0, false
		})
	}
}

// mark is the status, set in bold where it is not what is wanted.
func mark(c *testcase) string {
	if c.good() {
		return c.Got.Status
	}
	return "**" + c.Got.Status + "**"
}

func cell(v *float64, format string) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf(format, *v)
}

func known(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%.9g", v)
}

func errorCell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return fmt.Sprintf("%.0e", v)
}

func warm(c *testcase) string {
	if c.Warm == nil {
		return ""
	}
	return fmt.Sprintf("%.3g", *c.Warm*1e3)
}

// machine names the processor.
func machine() string {
	name := runtime.GOOS + "/" + runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				name = strings.TrimSpace(v)
				break
			}
		}
	}
	rev := ""
	if out, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		rev = ", revision " + strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d processors%s", name, runtime.NumCPU(), rev)
}
