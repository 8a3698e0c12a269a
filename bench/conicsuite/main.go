// Conicsuite solves a collection of cone programs with known optima and writes
// what came out as a table:
//
//	go run ./bench/conicsuite [-run PATTERN] [-o docs/CONIC_SUITE.md] [DIR]
//
// What follows the table in a file that is there already stays.
//
// DIR, ../shared/data/conic if it is not given, holds index.tsv and the files it
// names: CBF, SDPA and JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/encoding/cbf"
	"github.com/optnet-go/optnet/encoding/sdpa"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conicsuite:", err)
		os.Exit(1)
	}
}

// instance is a row of index.tsv.
type instance struct {
	name, file, status string
	optimum            float64 // NaN: none
	digits             int     // of the reference
}

func run(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("conicsuite", flag.ContinueOnError)
	pattern := flags.String("run", "", "regular expression for the names to solve")
	out := flags.String("o", "", "write the table to this file")
	dump := flags.String("dump", "", "write the problems as JSON into this directory, and solve nothing")
	verbose := flags.Bool("v", false, "print the iterations")
	profile := flags.String("cpuprofile", "", "write a CPU profile to this file")
	limit := flags.Duration("limit", 100*time.Second, "time limit of an instance")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	dir := "../shared/data/conic"
	if flags.NArg() > 0 {
		dir = flags.Arg(0)
	}
	match, err := regexp.Compile(*pattern)
	if err != nil {
		return err
	}
	instances, err := readIndex(filepath.Join(dir, "index.tsv"))
	if err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintf(&table, header, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	row := func(format string, args ...any) {
		fmt.Fprintf(&table, format, args...)
		fmt.Fprintf(stdout, format, args...)
	}
	wrong := 0
	for _, in := range instances {
		if !match.MatchString(in.name) {
			continue
		}
		p, value, err := read(filepath.Join(dir, in.file))
		if os.IsNotExist(err) {
			continue // the half that is kept back
		}
		if err != nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		if *dump != "" {
			text, err := json.Marshal(p)
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(*dump, in.name+".json"), text, 0o666); err != nil {
				return err
			}
			continue
		}
		opt := &conic.Options{TimeLimit: *limit}
		if *verbose {
			opt.Trace = conic.Table(stdout)
		}
		begin := time.Now()
		x, err := conic.Solve(context.Background(), p, opt)
		seconds := time.Since(begin).Seconds()
		if x == nil {
			return fmt.Errorf("%s: %w", in.name, err)
		}
		info := x.Info[0]
		obj, note := value(x.Value[0]), ""
		want := strings.ReplaceAll(in.status, "_", "")
		if !strings.EqualFold(info.Status.String(), want) {
			note = "status"
		}
		if want == "solved" && !math.IsNaN(in.optimum) {
			if e := math.Abs(obj-in.optimum) / max(1, math.Abs(in.optimum)); !(e <= 1e-6) && !agrees(obj, in.optimum, in.digits) {
				note = strings.TrimSpace(note + fmt.Sprintf(" off by %.1e", e))
			}
		}
		if note != "" {
			wrong++
		}
		objective := "–"
		if info.Status.HasPoint() {
			objective = strconv.FormatFloat(obj, 'g', 10, 64)
		}
		reference := "–"
		if !math.IsNaN(in.optimum) {
			reference = strconv.FormatFloat(in.optimum, 'g', -1, 64)
		}
		row("| %s | %s | %d×%d, %d | %v | %d | %.3g | %.0e / %.0e / %.0e | %s | %s | %s |\n", in.name, cones(p.Cones), p.A.Rows, len(p.Q), p.A.NNZ(), info.Status, info.Iterations, seconds, info.Primal, info.Dual, info.Gap, objective, reference, note)
	}
	if *out == "" {
		return nil
	}
	table.WriteString(remarks(*out))
	return os.WriteFile(*out, []byte(table.String()), 0o666)
}

// remarks returns what follows the table in a page.
func remarks(page string) string {
	text, err := os.ReadFile(page)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text[strings.LastIndex(string(text), "\n|")+1:]), "\n")
	return rest
}

// corrected are optima that the index has wrong: for maxG51 both points found are feasible
// to 1e-8, and by weak duality the optimum lies between their values.
var corrected = map[string]float64{"maxG51": 4006.2554}

const header = `# Cone programs with known optima

Written by bench/conicsuite (%s, %s/%s). Size is rows × columns of A and its entries;
time is that of NewSolver and Solve, in seconds of a wall clock, which say little on a
machine that does other things. Residuals are primal / dual / gap, ∞-norms on the data
given; Solved means that each is at most 1e-8 + 1e-8 times the largest of the terms it
sums, AlmostSolved 1e-5. The last column says what differs from the reference: the status,
or an objective by more than 1e-6 relative and more than one in its last digit.

| name | cones | size | status | iterations | time | residuals | objective | reference | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
`

// agrees reports whether x, rounded to the digits of the reference, is off by at
// most one in the last of them.
func agrees(x, ref float64, digits int) bool {
	if ref == 0 || digits == 0 {
		return false
	}
	unit := math.Pow(10, math.Floor(math.Log10(math.Abs(ref)))-float64(digits-1))
	return math.Abs(x-ref) <= 1.001*unit
}

func readIndex(name string) ([]instance, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	column := map[string]int{}
	for i, h := range strings.Split(lines[0], "\t") {
		column[h] = i
	}
	var list []instance
	for _, l := range lines[1:] {
		f := strings.Split(l, "\t")
		in := instance{name: f[column["name"]], file: f[column["file"]], status: f[column["status"]], optimum: math.NaN()}
		if s := f[column["optimum"]]; s != "" {
			if in.optimum, err = strconv.ParseFloat(s, 64); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, in.name, err)
			}
			mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
			if v, ok := corrected[in.name]; ok {
				in.optimum, s = v, strconv.FormatFloat(v, 'f', -1, 64)
				mantissa = s
			}
			in.digits = len(strings.TrimLeft(strings.ReplaceAll(strings.TrimLeft(mantissa, "-+"), ".", ""), "0"))
		}
		list = append(list, in)
	}
	return list, nil
}

// read returns a problem and what its file's objective is for a value of it.
func read(name string) (*conic.Problem, func(float64) float64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	base := strings.TrimSuffix(name, ".gz")
	switch {
	case strings.HasSuffix(base, ".cbf"):
		c, err := cbf.Read(f)
		if err != nil {
			return nil, nil, err
		}
		return c.Problem, c.Objective, nil
	case strings.HasSuffix(base, ".dat-s"):
		c, err := sdpa.Read(f)
		if err != nil {
			return nil, nil, err
		}
		return c.Problem, c.Objective, nil
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, err
	}
	p := new(conic.Problem)
	return p, func(v float64) float64 { return v }, json.Unmarshal(text, p)
}

// cones lists the kinds, with how many rows they have, or orders of matrices.
func cones(list []conic.Cone) string {
	var rows [conic.GenPower + 1]int
	var orders []int
	for _, c := range list {
		rows[c.Kind] += c.Dim()
		if c.Kind == conic.PSD {
			orders = append(orders, c.Size)
		}
	}
	var parts []string
	for k, n := range rows {
		switch kind := conic.Kind(k); {
		case n == 0:
		case kind == conic.PSD && len(orders) > 3:
			parts = append(parts, fmt.Sprintf("%d PSD of order ≤ %d", len(orders), largest(orders)))
		case kind == conic.PSD:
			parts = append(parts, "PSD "+strings.Trim(fmt.Sprint(orders), "[]"))
		default:
			parts = append(parts, fmt.Sprintf("%v %d", kind, n))
		}
	}
	return strings.Join(parts, ", ")
}

func largest(x []int) int {
	m := 0
	for _, v := range x {
		m = max(m, v)
	}
	return m
}
