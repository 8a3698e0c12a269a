package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/qp"
	"github.com/spf13/cobra"
)

// solving holds the flags of all commands that solve.
type solving struct {
	solver, device string
	epsAbs, epsRel float64
	maxIter        int
	timeLimit      time.Duration
	workers        int
	memory         string
	json           bool

	engine qp.Engine
	limit  int64 // bytes
	trace  io.Writer
	header bool // of the trace was written
	keep   bool // factors, for derivatives
	// capture receives elements of a batch that end unsolved.
	capture     func(i int, p *qp.Problem, info qp.Info)
	captureCone func(i int, p *conic.Problem, info conic.Info)
}

func (s *solving) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&s.solver, "solver", "auto", "auto, qp (dense) or conic (sparse)")
	f.Float64Var(&s.epsAbs, "eps-abs", 1e-8, "absolute tolerance of every residual")
	f.Float64Var(&s.epsRel, "eps-rel", 1e-8, "tolerance relative to the largest term of the residual")
	f.IntVar(&s.maxIter, "max-iter", 0, "iterations, 0: the solver's default")
	f.DurationVar(&s.timeLimit, "time-limit", 0, "time for each file, as 30s or 5m; 0: none")
	f.IntVar(&s.workers, "workers", 0, "goroutines of a batch, 0: one a processor")
	f.StringVar(&s.memory, "memory", "", "refuse what needs more, as 500MB or 8GB; the default is what is available")
	f.StringVar(&s.device, "device", "cpu", "device of the dense solver")
	f.BoolVar(&s.json, "json", false, "print one JSON object a file")
}

// check refuses flags that make no sense.
func (s *solving) check() (err error) {
	switch {
	case s.solver != "auto" && s.solver != "qp" && s.solver != "conic":
		return usagef("--solver is %q, want auto, qp or conic", s.solver)
	case !(s.epsAbs >= 0) || !(s.epsRel >= 0) || s.epsAbs+s.epsRel == 0:
		return usagef("--eps-abs is %v and --eps-rel %v, want 0 or more, and one of them more than 0", s.epsAbs, s.epsRel)
	case s.maxIter < 0:
		return usagef("--max-iter is %d, want 0 or more", s.maxIter)
	case s.timeLimit < 0:
		return usagef("--time-limit is %v, want 0 or more", s.timeLimit)
	case s.workers < 0:
		return usagef("--workers is %d, want 0 or more", s.workers)
	}
	if s.limit, err = parseBytes(s.memory); err != nil {
		return err
	}
	s.engine, err = openDevice(s.device)
	return err
}

// eps is a tolerance for Options, where 0 is the default and less is none.
func eps(x float64) float64 {
	if x == 0 {
		return -1
	}
	return x
}

func solveCommand() *cobra.Command {
	var (
		s       solving
		verbose bool
		out     string
		capture string
	)
	cmd := &cobra.Command{
		Use:   "solve FILE...",
		Short: "Solve the problems in files",
		Long: `Solve QPs, linear and cone programs: QPS and MPS, CBF, SDPA (.dat-s), JSON, and
batches of QPs as arrays (.npz), gzipped (.gz) or not; "-" is the standard input.

Small and dense QPs go to the dense solver (qp), everything else to the sparse one
(conic); what was chosen, and why, is printed. The residuals that are printed were
computed from the file's data, apart from the solver.

The exit code is 0 if all is solved, 3 if something is not (infeasible, unbounded,
a limit), 1 after an error.`,
		Example: `  optnet solve problem.qps
  optnet solve --json *.QPS.gz
  optnet solve --out solution.json --time-limit 30s problem.cbf.gz`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no file given, want one or more; see: optnet solve --help")
			}
			if err := s.check(); err != nil {
				return err
			}
			if verbose {
				s.trace = cmd.OutOrStdout()
				if s.json {
					s.trace = cmd.ErrOrStderr()
				}
			}
			if capture != "" {
				if err := os.MkdirAll(capture, 0o777); err != nil {
					return fmt.Errorf("--capture: %w", err)
				}
			}
			if len(args) > 1 && out != "" {
				if ext := filepath.Ext(out); ext == ".json" || ext == ".npz" {
					return usagef("--out is %q, and there are %d files, want a folder", out, len(args))
				}
				if err := os.MkdirAll(out, 0o777); err != nil {
					return fmt.Errorf("--out: %w", err)
				}
			}
			return eachFile(cmd, args, s.json, func(file string) (bool, error) {
				began := time.Now()
				p, err := load(file, cmd.InOrStdin())
				if err != nil {
					return false, err
				}
				read := time.Since(began)
				var captured captures
				if capture != "" {
					captured.dir, captured.base, captured.shape = capture, plainName(file), p.shape
					s.capture, s.captureCone = captured.take, nil
					if p.cones != nil {
						s.captureCone = captured.takeCone
					}
				}
				s.header = false
				sol, err := s.solve(cmd.Context(), p)
				if err == nil {
					err = captured.err
				}
				if err != nil {
					return false, &fileError{file: file, err: err}
				}
				r := sol.report(p)
				r.ReadTime = number(read.Seconds())
				if out != "" {
					if r.Solution, err = sol.save(p, outName(out, file, len(args) > 1)); err != nil {
						return false, err
					}
				}
				if s.json {
					err = writeJSON(cmd.OutOrStdout(), r)
				} else {
					err = r.print(cmd.OutOrStdout())
				}
				return r.Status == qp.Solved, err
			})
		},
	}
	s.flags(cmd)
	f := cmd.Flags()
	f.BoolVarP(&verbose, "verbose", "v", false, "print a table of the iterations")
	f.StringVarP(&out, "out", "o", "", "write the solution: a file .json or .npz, or a folder for several files")
	f.StringVar(&capture, "capture", "", "folder for elements of a batch that end unsolved, as JSON files to replay")
	return cmd
}

// eachFile calls f for every file. An error concerns its file only: it is printed,
// and the rest goes on. f reports whether the file was solved.
func eachFile(cmd *cobra.Command, files []string, asJSON bool, f func(file string) (bool, error)) error {
	failed, unsolved := 0, false
	say := func(err error) {
		failed++
		if asJSON {
			writeErrorJSON(cmd.OutOrStdout(), err)
		} else {
			fmt.Fprintln(cmd.ErrOrStderr(), "optnet:", err)
		}
	}
	for k, file := range files {
		if cmd.Context().Err() != nil {
			say(fmt.Errorf("interrupted: %d of %d files were not begun", len(files)-k, len(files)))
			break
		}
		solved, err := f(file)
		if err != nil {
			if len(files) == 1 {
				return err
			}
			say(err)
			continue
		}
		unsolved = unsolved || !solved
	}
	switch {
	case unsolved:
		return errNotSolved
	case failed > 0:
		return errSaid
	}
	return nil
}

// errSaid makes the exit code 1; all has been said.
var errSaid = errors.New("some files failed")

// plainName is a file's name without folders and the ends that say its format.
func plainName(file string) string {
	base := filepath.Base(file)
	base = strings.TrimSuffix(base, ".gz")
	if ext := filepath.Ext(base); formats[strings.ToLower(ext)] != "" {
		base = strings.TrimSuffix(base, ext)
	}
	if base == "-" {
		base = "stdin"
	}
	return base
}

// outName is where the solution of a file goes.
func outName(out, file string, many bool) string {
	if info, err := os.Stat(out); many || err == nil && info.IsDir() || strings.HasSuffix(out, "/") {
		return filepath.Join(out, plainName(file)+".solution.json")
	}
	return out
}

// captures writes elements that end unsolved.
type captures struct {
	dir, base string
	shape     qp.Shape
	err       error
}

func (c *captures) take(i int, p *qp.Problem, info qp.Info) {
	sh, b, err := qp.Stack(p)
	var text []byte
	if err == nil {
		text, err = b.AppendJSON(nil, sh, c.title(i, info.Status, info.Reason))
	}
	c.write(i, text, err)
}

func (c *captures) takeCone(i int, p *conic.Problem, info conic.Info) {
	b := &conic.Batch{Data: p.Data(), Size: 1}
	text, err := b.AppendJSON(nil, p.Structure(), c.title(i, info.Status, info.Reason))
	c.write(i, text, err)
}

func (c *captures) title(i int, status fmt.Stringer, reason string) string {
	return strings.TrimSuffix(fmt.Sprintf("element %d of %s: %v %s", i, c.base, status, reason), " ")
}

func (c *captures) write(i int, text []byte, err error) {
	if err == nil {
		err = writeFile(filepath.Join(c.dir, fmt.Sprintf("%s-%d.json", c.base, i)), text)
	}
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("--capture: %w", err)
	}
}

// writeFile writes a file under a temporary name and renames it.
func writeFile(name string, text []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(text); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// print prints a report for people.
func (r *report) print(w io.Writer) error {
	var b strings.Builder
	title := r.File
	if r.Name != "" && r.Name != r.File {
		title += " (" + r.Name + ")"
	}
	fmt.Fprintf(&b, "%s: %v", title, r.Status)
	if r.Size != 1 {
		fmt.Fprintf(&b, " (%d problems:", r.Size)
		for st := qp.Unsolved; st <= qp.InvalidInput; st++ {
			if n := r.Counts[st.String()]; n > 0 {
				fmt.Fprintf(&b, " %d %v", n, st)
			}
		}
		b.WriteString(")")
	} else if v := float64(r.Objective); v == v {
		fmt.Fprintf(&b, ", objective %.10g", v)
	}
	fmt.Fprintf(&b, ", %d iterations, %s\n", r.Iterations, seconds(float64(r.Seconds)))
	t := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	if r.Reason != "" {
		fmt.Fprintf(t, "  reason\t%s\n", r.Reason)
	}
	fmt.Fprintf(t, "  residuals\tprimal %.2g, dual %.2g, gap %.2g", float64(r.Primal), float64(r.Dual), float64(r.Gap))
	if v := float64(r.Relative); v == v {
		fmt.Fprintf(t, " (at most %.2g of their scale)", v)
	}
	fmt.Fprintf(t, "\n  solver\t%s: %s\n", r.Solver, r.Why)
	for _, note := range r.Notes {
		fmt.Fprintf(t, "  note\t%s\n", note)
	}
	if r.Solution != "" {
		fmt.Fprintf(t, "  solution\t%s\n", r.Solution)
	}
	switch r.Status {
	case qp.PrimalInfeasible, qp.DualInfeasible:
		fmt.Fprintf(t, "  next\toptnet diagnose %s\n", r.File)
	}
	t.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

// seconds is a time in the unit that suits it.
func seconds(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.3g µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

// traceQP prints a line of the iteration table.
func (s *solving) traceQP(many bool) func(qp.Iteration) {
	if s.trace == nil {
		return nil
	}
	return func(it qp.Iteration) {
		element := ""
		if many {
			element = fmt.Sprintf("%8d", it.Element)
		}
		if !s.header {
			s.header = true
			head := ""
			if many {
				head = " element"
			}
			fmt.Fprintf(s.trace, "%s iter           value   primal     dual      gap       mu   step p   step d\n", head)
		}
		fmt.Fprintf(s.trace, "%s %4d %15.8e %8.1e %8.1e %8.1e %8.1e %8.2g %8.2g\n", element, it.Iter, it.Value, it.Primal, it.Dual, it.Gap, it.Mu, it.StepP, it.StepD)
	}
}

// A solution is what became of a file's problem.
type solution struct {
	solver  string
	why     string
	bytes   int64
	seconds float64
	answer  *answer // of a problem with rows, and of a cone program

	shape qp.Shape
	batch *qp.Solution // of a batch
	size  int

	answers []*answer // of a batch of cone programs
}

// solve solves what a file holds.
func (s *solving) solve(ctx context.Context, p *problem) (*solution, error) {
	switch {
	case p.rows != nil:
		a, err := s.solveRows(ctx, p)
		if err != nil {
			return nil, err
		}
		return &solution{solver: a.solver, why: a.why, bytes: a.bytes, seconds: a.seconds, answer: a, size: 1}, nil
	case p.cone != nil:
		if s.solver == "qp" {
			return nil, usagef("--solver is qp, but the file holds a cone program, want conic")
		}
		a, err := s.solveConeFile(ctx, p)
		if err != nil {
			return nil, err
		}
		return &solution{solver: a.solver, why: a.why, bytes: a.bytes, seconds: a.seconds, answer: a, size: 1}, nil
	case p.cones != nil:
		if s.solver == "qp" {
			return nil, usagef("--solver is qp, but the file holds cone programs, want conic")
		}
		return s.solveCones(ctx, p)
	}
	if s.solver == "conic" {
		return nil, usagef("--solver is conic, but the file holds dense QPs, want qp")
	}
	began := time.Now()
	sol, err := s.solveBatch(ctx, p)
	if err == nil && s.solver == "auto" {
		s.again(ctx, p, sol, began)
	}
	return sol, err
}

// again lets the sparse solver try the elements of a batch that the dense one has
// not solved for reasons of its own.
func (s *solving) again(ctx context.Context, p *problem, sol *solution, began time.Time) {
	sh, b := sol.shape, sol.batch
	solved := 0
	for i := range b.Info {
		info := &b.Info[i]
		if info.Status != qp.AlmostSolved && info.Status != qp.NumericalError && info.Status != qp.MaxIterations {
			continue
		}
		t := *s
		t.trace = nil
		if s.timeLimit > 0 {
			if t.timeLimit = s.timeLimit - time.Since(began); t.timeLimit <= 0 {
				break
			}
		}
		rows := rowsOf(sh, p.batch, i)
		a, err := t.solveRowsBy(ctx, rows, "conic")
		if ctx.Err() != nil {
			break
		}
		if err != nil || a.status != qp.Solved {
			continue
		}
		copy(b.Z[i*sh.N:], a.x)
		copy(b.Nu[i*sh.NEq:(i+1)*sh.NEq], a.rows)
		copy(b.Lambda[i*sh.NIneq:(i+1)*sh.NIneq], a.rows[sh.NEq:])
		copy(b.Mu[i*sh.N:], a.cols)
		b.Value[i] = a.objective
		*info = qp.Info{Status: a.status, Iterations: a.iterations, Retries: info.Retries + 1, Primal: a.primal, Dual: a.dual, Gap: a.gap}
		solved++
	}
	if solved > 0 {
		sol.why += fmt.Sprintf("; %d elements by conic, which qp has not solved", solved)
		sol.seconds = time.Since(began).Seconds()
	}
}

func (s *solving) qpOptions(many bool) *qp.Options {
	return &qp.Options{
		Engine: s.engine, Workers: s.workers, EpsAbs: eps(s.epsAbs), EpsRel: eps(s.epsRel), MaxIter: s.maxIter, TimeLimit: s.timeLimit,
		Trace: s.traceQP(many), Capture: s.capture,
	}
}

// stopped reports whether a solver's error only says that a limit or an interrupt
// ended it, which its statuses tell too.
func stopped(ctx context.Context, err error) bool {
	return err == nil || ctx.Err() != nil && errors.Is(err, context.Cause(ctx))
}

// solveBatch solves dense QPs.
func (s *solving) solveBatch(ctx context.Context, p *problem) (*solution, error) {
	solver, err := qp.NewSolver(p.shape, s.qpOptions(p.batch.Size > 1))
	if err != nil {
		return nil, err
	}
	want := qp.OutZ | qp.OutDuals | qp.OutSlack
	if s.keep {
		want |= qp.OutFactors
	}
	host, device := solver.Bytes(p.batch.Size, want)
	if err := s.fits(host); err != nil {
		return nil, err
	}
	x := &qp.Solution{Want: want}
	began := time.Now()
	err = solver.Solve(ctx, x, p.batch)
	if !stopped(ctx, err) {
		return nil, err
	}
	return &solution{
		solver: "qp", why: "dense QPs; " + solver.Method(), bytes: host + device, seconds: time.Since(began).Seconds(),
		shape: solver.Shape(), batch: x, size: p.batch.Size,
	}, nil
}

// fits refuses what needs more memory than there is.
func (s *solving) fits(bytes int64) error {
	if bytes > s.limit {
		return fmt.Errorf("this needs about %s of memory, and %s are allowed: use --memory to go on", showBytes(bytes), showBytes(s.limit))
	}
	if s.trace != nil {
		fmt.Fprintf(s.trace, "memory: at most %s\n", showBytes(bytes))
	}
	return nil
}
