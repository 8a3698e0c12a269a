package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A result is a line of "optnet solve --json".
type result struct {
	Variables  int
	Rows       int
	Status     string
	Objective  *float64
	Relative   *float64 `json:"relative_residual"`
	Iterations int
	Seconds    *float64
	Solver     string
	Why        string
	Reason     string
	Error      string
}

// A checked is a line of "optnet check --json".
type checked struct {
	Status string
	Primal *float64 `json:"primal_residual"`
	Dual   *float64 `json:"dual_residual"`
	Gap    *float64
	Proof  string
	Error  string
}

// A peer is what another solver did with the same QP.
type peer struct {
	Solver    string
	Status    string
	Seconds   float64
	Objective *float64
	Relative  *float64
}

// A testcase is one file with what is known about it.
type testcase struct {
	Suite, Name, file string
	status            string  // what it is known to be: Solved, PrimalInfeasible, DualInfeasible
	known             float64 // NaN if it is not known
	digits            float64 // relative error that the reference allows
	note              string
	loose             bool // AlmostSolved, with a check, is as good as it gets

	figures
}

// figures are what was measured of a file.
type figures struct {
	Got   result
	Check checked
	Peers []peer   `json:",omitempty"`
	Warm  *float64 `json:",omitempty"` // seconds, of an MPC file
}

func (c *testcase) key() string { return c.Suite + "/" + c.Name }

// table reads a file of columns separated by tabs.
func table(name string) ([]map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var head []string
	var rows []map[string]string
	for in := bufio.NewScanner(f); in.Scan(); {
		cells := strings.Split(in.Text(), "\t")
		if head == nil {
			head = cells
			continue
		}
		row := make(map[string]string)
		for i, c := range cells[:min(len(cells), len(head))] {
			row[head[i]] = c
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func parse(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return v
}

// collect lists the files.
func collect(o *options) ([]*testcase, error) {
	var all []*testcase
	add := func(c *testcase) {
		if info, err := os.Stat(c.file); err == nil && !info.IsDir() {
			all = append(all, c)
		}
	}
	rows, err := table(filepath.Join(o.data, "maros/optimal.tsv"))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		c := &testcase{Suite: "maros", Name: r["name"], file: filepath.Join(o.data, "maros", r["file"]), status: "Solved", known: parse(r["objective_verified"]), digits: 1e-6, note: r["note"]}
		if math.IsNaN(c.known) {
			c.known = parse(r["objective"])
		}
		add(c)
	}
	if rows, err = table(filepath.Join(o.data, "mpc/optimal.tsv")); err != nil {
		return nil, err
	}
	for _, r := range rows {
		file := filepath.Join(o.data, "mpc", r["name"]+".QPS")
		if _, err := os.Stat(file); err != nil {
			file += ".gz"
		}
		add(&testcase{Suite: "mpc", Name: r["name"], file: file, status: "Solved", known: parse(r["objective_piqp_1e-10"]), digits: 1e-6})
	}
	if rows, err = table(filepath.Join(o.data, "conic/index.tsv")); err != nil {
		return nil, err
	}
	for _, r := range rows {
		c := &testcase{Suite: r["family"], Name: r["name"], file: filepath.Join(o.data, "conic", r["file"]), known: parse(r["optimum"]), digits: 1e-6, note: r["note"]}
		switch r["status"] {
		case "solved":
			c.status = "Solved"
		case "primal_infeasible":
			c.status = "PrimalInfeasible"
		case "dual_infeasible", "unbounded":
			c.status = "DualInfeasible"
		default:
			c.status = r["status"]
		}
		// A reference is good to its own gap, or to the digits it is printed with.
		if gap := parse(r["relgap"]); gap > 0 {
			c.digits = max(c.digits, 10*gap)
		}
		if r["family"] != "cblib" {
			c.digits = max(c.digits, lastDigit(r["optimum"])/max(1, math.Abs(c.known)))
		}
		if c.Name == "maxG51" {
			// The index has 4003.809. Points of both problems here are feasible to 1e-8, and by weak
			// duality the optimum lies between their values.
			c.known, c.digits = 4006.2554, 1e-6
		}
		for _, p := range []string{"hinf", "sched_", "nql"} {
			c.loose = c.loose || strings.HasPrefix(c.Name, p)
		}
		add(c)
	}
	return all, nil
}

// lastDigit is the unit of the last digit of a number with a point, as it is printed: 1 of -4.25e+02.
func lastDigit(printed string) float64 {
	mantissa, exponent, _ := strings.Cut(printed, "e")
	_, frac, ok := strings.Cut(mantissa, ".")
	if !ok {
		return 0
	}
	power, _ := strconv.Atoi(exponent)
	return math.Pow10(power - len(frac))
}

// call runs the command and decodes its last line.
func call(ctx context.Context, o *options, dst any, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, o.limit+2*time.Minute)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, o.optnet, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if e := json.Unmarshal([]byte(lines[len(lines)-1]), dst); e != nil {
		return fmt.Errorf("%w, %s%s", err, out.String(), errs.String())
	}
	return nil
}

// solve solves the file, checks the solution, and times others.
func (c *testcase) solve(ctx context.Context, o *options) {
	out := filepath.Join(o.work, "solution.json")
	os.Remove(out)
	c.figures = figures{}
	if err := call(ctx, o, &c.Got, "solve", "--json", "--time-limit", o.limit.String(), "--out", out, c.file); err != nil {
		c.Got.Status, c.Got.Error = "error", err.Error()
		return
	}
	if c.Got.Error != "" {
		c.Got.Status = "error"
		return
	}
	if err := call(ctx, o, &c.Check, "check", "--json", c.file, out); err != nil {
		c.Check.Error = err.Error()
	}
	if c.Suite == "mpc" {
		var b struct {
			Warm *float64 `json:"warm_seconds"`
		}
		if call(ctx, o, &b, "bench", "--json", "--time", "50ms", c.file) == nil && b.Warm != nil {
			c.Warm = b.Warm
		}
	}
	if o.peers != "" && (c.Suite == "maros" || c.Suite == "mpc") {
		c.Peers = runPeers(ctx, o, c.file)
	}
}

// err is the relative error of the objective, absolute below 1.
func (c *testcase) err() float64 {
	if c.Got.Objective == nil || math.IsNaN(c.known) {
		return math.NaN()
	}
	return math.Abs(*c.Got.Objective-c.known) / max(1, math.Abs(c.known))
}

// wrong reports a status that says something untrue.
func (c *testcase) wrong() bool {
	switch c.Got.Status {
	case "PrimalInfeasible", "DualInfeasible":
		return c.status != c.Got.Status && c.status != ""
	case "Solved":
		return c.status == "PrimalInfeasible" || c.status == "DualInfeasible"
	}
	return false
}

// good reports whether the file ended as it is known to.
func (c *testcase) good() bool {
	switch {
	case c.wrong():
		return false
	case c.Got.Status == "Solved":
		return c.Check.Status == "Solved" && (math.IsNaN(c.known) || c.err() <= c.digits || c.loose)
	case c.Got.Status == c.status:
		return c.Check.Proof != ""
	}
	return c.loose && c.Got.Status == "AlmostSolved" && (c.Check.Status == "AlmostSolved" || c.Check.Status == "Solved")
}

// verdict says in words how the file ended.
func (c *testcase) verdict() string {
	switch {
	case c.Got.Status == "error":
		return "error: " + c.Got.Error
	case c.wrong():
		return "WRONG: it is known to be " + c.status
	case c.good():
		return "good"
	case c.Got.Status == "Solved" && c.Check.Status != "Solved":
		return "the check says " + c.Check.Status + " " + c.Check.Error
	case c.Got.Status == "Solved":
		return fmt.Sprintf("the objective differs by %.1e", c.err())
	case c.Got.Status == c.status:
		return "the proof does not pass the check"
	case c.Got.Reason == "":
		return "stopped by the limit"
	}
	return c.Got.Reason
}
