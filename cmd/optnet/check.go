package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
	"github.com/spf13/cobra"
)

// checkReport is what "check --json" prints. Status is what the numbers prove.
type checkReport struct {
	File        string    `json:"file"`
	Solution    string    `json:"solution"`
	Element     *int      `json:"element,omitempty"`
	Status      qp.Status `json:"status"`
	Objective   number    `json:"objective"`
	Primal      number    `json:"primal_residual"`
	Dual        number    `json:"dual_residual"`
	Gap         number    `json:"gap"`
	PrimalScale number    `json:"primal_scale"`
	DualScale   number    `json:"dual_scale"`
	GapScale    number    `json:"gap_scale"`
	Worst       string    `json:"worst,omitempty"`
	Proof       string    `json:"proof,omitempty"`
	Notes       []string  `json:"notes,omitempty"`
}

func checkCommand() *cobra.Command {
	var (
		epsAbs, epsRel float64
		asJSON         bool
	)
	cmd := &cobra.Command{
		Use:   "check FILE SOLUTION",
		Short: "Measure anyone's solution on a file's data",
		Long: `Compute residuals of a solution from the data of a file, without any solver. The
SOLUTION is JSON or npz as "optnet solve --out" writes it, or as another program
does: x alone is enough (then only feasibility and the objective are measured);
y are the multipliers of the rows and mu those of the bounds, positive at an upper
side, negative at a lower one (mu is computed if it is missing). For cone programs
the names are x, z and s, for dense QPs z, nu, lambda and mu. A "ray" is checked as a
proof of infeasibility or unboundedness.

The exit code is 0 if the solution, or the proof, passes the test, 3 if it does not.`,
		Example: "  optnet solve --out s.json problem.qps && optnet check problem.qps s.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("%d files given, want two: the problem's and the solution's", len(args))
			}
			if !(epsAbs >= 0) || !(epsRel >= 0) {
				return usagef("--eps-abs is %v and --eps-rel %v, want 0 or more", epsAbs, epsRel)
			}
			p, err := load(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			sol, err := readSolution(args[1])
			if err != nil {
				return &fileError{file: args[1], err: err}
			}
			reports, err := checkAll(p, sol, epsAbs, epsRel)
			if err != nil {
				return &fileError{file: args[1], err: err}
			}
			good := true
			for _, r := range reports {
				r.File, r.Solution, r.Notes = args[0], args[1], p.notes
				good = good && (r.Status == qp.Solved || r.Proof != "")
				if asJSON {
					err = writeJSON(cmd.OutOrStdout(), r)
				} else {
					err = r.print(cmd.OutOrStdout())
				}
				if err != nil {
					return err
				}
			}
			if !good {
				return errNotSolved
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.Float64Var(&epsAbs, "eps-abs", 1e-8, "absolute tolerance of every residual")
	f.Float64Var(&epsRel, "eps-rel", 1e-8, "tolerance relative to the largest term of the residual")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a problem")
	return cmd
}

func (r *checkReport) print(w io.Writer) error {
	var b strings.Builder
	title := r.Solution
	if r.Element != nil {
		title += fmt.Sprintf(", element %d", *r.Element)
	}
	switch {
	case r.Proof != "":
		fmt.Fprintf(&b, "%s: %v, proved: %s\n", title, r.Status, r.Proof)
	case r.Status == qp.Solved:
		fmt.Fprintf(&b, "%s: passes, objective %.10g\n", title, float64(r.Objective))
	case r.Status == qp.AlmostSolved:
		fmt.Fprintf(&b, "%s: passes at 1e-5 only, objective %.10g\n", title, float64(r.Objective))
	default:
		fmt.Fprintf(&b, "%s: does not pass, objective %.10g\n", title, float64(r.Objective))
	}
	line := func(name string, v, scale number) {
		if x := float64(v); !math.IsNaN(x) || !math.IsNaN(float64(scale)) {
			fmt.Fprintf(&b, "  %-7s %.3g (largest term %.3g)\n", name, x, float64(scale))
		}
	}
	if r.Proof == "" {
		line("primal", r.Primal, r.PrimalScale)
		line("dual", r.Dual, r.DualScale)
		line("gap", r.Gap, r.GapScale)
		if r.Worst != "" {
			fmt.Fprintf(&b, "  %s\n", r.Worst)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// solutionArrays are the arrays of a solution, each with one or more elements.
type solutionArrays struct {
	arrays        map[string][]float64
	columns, rows []string
	ray           map[string][]float64
	rays          []map[string][]float64 // of a batch, one an element; empty where it has none
}

// rayOf is the proof of element i of a batch, nil if it has none. one has the lengths of
// its arrays.
func (s *solutionArrays) rayOf(i, size int, one map[string]int) (map[string][]float64, error) {
	var ray map[string][]float64
	switch {
	case len(s.rays) == size && size > 0:
		ray = s.rays[i]
	case len(s.rays) != 0:
		return nil, fmt.Errorf(`"rays" has %d entries, want %d`, len(s.rays), size)
	case size == 1:
		ray = s.ray
	default: // arrays for all elements, zero where there is no proof
		ray = make(map[string][]float64)
		for name, x := range s.ray {
			if n := one[name]; len(x) == n*size {
				if part := x[i*n : (i+1)*n]; slices.ContainsFunc(part, func(v float64) bool { return v != 0 }) {
					ray[name] = part
				}
			}
		}
	}
	for name, x := range ray {
		if len(x) != one[name] {
			return nil, fmt.Errorf("ray.%s of element %d has %d numbers, want %d", name, i, len(x), one[name])
		}
		if !slices.ContainsFunc(x, func(v float64) bool { return v != 0 }) {
			delete(ray, name)
		}
	}
	if len(ray) == 0 {
		return nil, nil
	}
	return ray, nil
}

// readSolution reads JSON or npz.
func readSolution(name string) (*solutionArrays, error) {
	s := &solutionArrays{arrays: make(map[string][]float64), ray: make(map[string][]float64)}
	if strings.HasSuffix(name, ".npz") {
		all, err := readArrays(name)
		if err != nil {
			var path *os.PathError
			if errors.As(err, &path) {
				err = path.Err
			}
			return nil, err
		}
		for key, a := range all {
			x, err := a.Float64s()
			if err != nil {
				return nil, fmt.Errorf("array %s: %w", key, err)
			}
			if rest, ok := strings.CutPrefix(key, "ray_"); ok {
				s.ray[rest] = x
			} else {
				s.arrays[key] = x
			}
		}
		return s, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("line %d: %w", 1+bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n")), err)
		}
		return nil, errors.New("want an object of arrays, {\"x\": […], …}")
	}
	take := func(dst map[string][]float64, keys map[string]json.RawMessage) error {
		for _, key := range []string{"x", "y", "mu", "z", "s", "nu", "lambda", "value"} {
			raw, ok := keys[key]
			if !ok {
				continue
			}
			var flat []number
			if json.Unmarshal(raw, &flat) != nil {
				flat = nil
				var nested [][]number
				if err := json.Unmarshal(raw, &nested); err != nil {
					return fmt.Errorf("%q: want a list of numbers, or one list an element", key)
				}
				for _, e := range nested {
					flat = append(flat, e...)
				}
			}
			x := make([]float64, len(flat))
			for i, v := range flat {
				x[i] = float64(v)
			}
			dst[key] = x
		}
		return nil
	}
	if err := take(s.arrays, keys); err != nil {
		return nil, err
	}
	for key, dst := range map[string]*[]string{"columns": &s.columns, "rows": &s.rows} {
		if raw, ok := keys[key]; ok {
			if err := json.Unmarshal(raw, dst); err != nil {
				return nil, fmt.Errorf("%q: want a list of names", key)
			}
		}
	}
	if raw, ok := keys["ray"]; ok {
		var ray map[string]json.RawMessage
		if err := json.Unmarshal(raw, &ray); err != nil {
			return nil, errors.New(`"ray": want an object of arrays`)
		}
		if err := take(s.ray, ray); err != nil {
			return nil, err
		}
	}
	if raw, ok := keys["rays"]; ok {
		var list []map[string]json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, errors.New(`"rays": want a list of objects, one an element`)
		}
		for _, ray := range list {
			x := make(map[string][]float64)
			if err := take(x, ray); err != nil {
				return nil, err
			}
			s.rays = append(s.rays, x)
		}
	}
	return s, nil
}

// inOrder brings values to the order of names, if the solution has names.
func inOrder(what string, x []float64, have, want []string) ([]float64, error) {
	if len(x) != len(want) && (have == nil || x != nil && len(x) != len(have)) {
		return nil, fmt.Errorf("%s has %d numbers, want %d", what, len(x), len(want))
	}
	if have == nil {
		return x, nil
	}
	at := make(map[string]int, len(have))
	for i, name := range have {
		at[name] = i
	}
	out := make([]float64, len(want))
	for i, name := range want {
		k, ok := at[name]
		if !ok || k >= len(x) {
			return nil, fmt.Errorf("%s has no value for %q", what, name)
		}
		out[i] = x[k]
	}
	return out, nil
}

// checkAll measures every element.
func checkAll(p *problem, sol *solutionArrays, abs, rel float64) ([]*checkReport, error) {
	if p.cone != nil {
		r, err := checkCone(p, sol, abs, rel)
		return []*checkReport{r}, err
	}
	if p.rows != nil {
		at := &mps.Point{}
		var err error
		if ray := sol.ray; len(ray) > 0 {
			if ray["y"] != nil || ray["mu"] != nil {
				at.Rows, at.Cols = ray["y"], ray["mu"]
			}
			at.X = ray["x"]
			for _, c := range []struct {
				x    *[]float64
				n    int
				name string
			}{{&at.X, len(p.rows.Cols), "ray.x"}, {&at.Rows, len(p.rows.Rows), "ray.y"}, {&at.Cols, len(p.rows.Cols), "ray.mu"}} {
				if len(*c.x) != c.n && len(*c.x) != 0 {
					return nil, fmt.Errorf("%s has %d numbers, want %d", c.name, len(*c.x), c.n)
				}
			}
			r, err := checkRay(p.rows, at)
			return []*checkReport{r}, err
		}
		if at.X, err = inOrder("x", sol.arrays["x"], sol.columns, p.rows.Cols); err != nil {
			return nil, err
		}
		if y := sol.arrays["y"]; y != nil {
			if at.Rows, err = inOrder("y", y, sol.rows, p.rows.Rows); err != nil {
				return nil, err
			}
		}
		if mu := sol.arrays["mu"]; mu != nil {
			if at.Cols, err = inOrder("mu", mu, sol.columns, p.rows.Cols); err != nil {
				return nil, err
			}
		}
		return []*checkReport{checkRows(p.rows, at, abs, rel)}, nil
	}
	if p.cones != nil {
		return checkCones(p, sol, abs, rel)
	}
	sh, size := p.shape, p.batch.Size
	x := &qp.Point{Z: sol.arrays["z"], Nu: sol.arrays["nu"], Lambda: sol.arrays["lambda"], Mu: sol.arrays["mu"]}
	for _, c := range []struct {
		name string
		x    []float64
		one  int
	}{{"z", x.Z, sh.N}, {"nu", x.Nu, sh.NEq}, {"lambda", x.Lambda, sh.NIneq}, {"mu", x.Mu, sh.N}} {
		if len(c.x) != c.one*size && (c.name == "z" || len(c.x) != 0) {
			return nil, fmt.Errorf("%s has %d numbers, want %d", c.name, len(c.x), c.one*size)
		}
	}
	var out []*checkReport
	for i := range size {
		at := pointOf(sh, x, i)
		if x.Nu == nil && x.Lambda == nil && sh.NEq+sh.NIneq > 0 {
			at.Rows, at.Cols = nil, nil
		} else if x.Mu == nil {
			at.Cols = nil
		}
		rows := rowsOf(sh, p.batch, i)
		r := checkRows(rows, at, abs, rel)
		ray, err := sol.rayOf(i, size, map[string]int{"z": sh.N, "nu": sh.NEq, "lambda": sh.NIneq, "mu": sh.N})
		if err != nil {
			return nil, err
		}
		if ray != nil {
			at := &mps.Point{X: ray["z"], Cols: ray["mu"]}
			if nu, lambda := ray["nu"], ray["lambda"]; nu != nil || lambda != nil {
				at.Rows = make([]float64, sh.NEq+sh.NIneq)
				copy(at.Rows, nu)
				copy(at.Rows[sh.NEq:], lambda)
			}
			if r, err = checkRay(rows, at); err != nil {
				return nil, err
			}
		}
		if size > 1 {
			r.Element = &i
		}
		out = append(out, r)
	}
	return out, nil
}

// checkRows measures a point; without multipliers, its feasibility only.
func checkRows(p *mps.Problem, at *mps.Point, abs, rel float64) *checkReport {
	full := at.Rows != nil || len(p.Rows) == 0
	point := *at
	if point.Rows == nil {
		point.Rows = make([]float64, len(p.Rows))
	}
	if point.Cols == nil {
		point.Cols = make([]float64, len(p.Cols))
		if full { // what stationarity asks of the bounds
			point.Cols = p.BoundMultipliers(point.X, point.Rows)
		}
	}
	m := p.Measure(&point)
	r := &checkReport{
		Objective: number(m.Objective), Primal: number(m.Primal), PrimalScale: number(m.PrimalScale),
		Dual: number(m.Dual), DualScale: number(m.DualScale), Gap: number(m.Gap), GapScale: number(m.GapScale),
	}
	if !full {
		nan := number(math.NaN())
		r.Dual, r.DualScale, r.Gap, r.GapScale = nan, nan, nan, nan
		r.Worst = "no multipliers are given (y, mu): only feasibility was measured, and nothing is proved about optimality"
		if m.Primal > abs+rel*m.PrimalScale {
			r.Status = qp.Unsolved
		}
	} else {
		switch {
		case m.Within(abs, rel):
			r.Status = qp.Solved
		case m.Within(1e-5, 1e-5):
			r.Status = qp.AlmostSolved
		}
	}
	if m.Worst.Violation > abs+rel*m.PrimalScale {
		switch {
		case m.Worst.Row >= 0:
			r.Worst = fmt.Sprintf("row %q is violated by %.3g", p.Rows[m.Worst.Row], m.Worst.Violation)
		case m.Worst.Col >= 0:
			r.Worst = fmt.Sprintf("the bounds of %q are violated by %.3g", p.Cols[m.Worst.Col], m.Worst.Violation)
		}
	} else if full && m.Dual > abs+rel*m.DualScale && m.WorstDual >= 0 {
		r.Worst = fmt.Sprintf("stationarity fails by %.3g at %q: a multiplier of its rows or bounds is off, or has the wrong sign", m.Dual, p.Cols[m.WorstDual])
	}
	return r
}

// checkRay measures a proof.
func checkRay(p *mps.Problem, at *mps.Point) (*checkReport, error) {
	nan := number(math.NaN())
	r := &checkReport{Objective: nan, Primal: nan, Dual: nan, Gap: nan, PrimalScale: nan, DualScale: nan, GapScale: nan}
	if len(at.Rows) > 0 || len(at.Cols) > 0 {
		if at.Rows == nil {
			at.Rows = make([]float64, len(p.Rows))
		}
		if at.Cols == nil {
			at.Cols = make([]float64, len(p.Cols))
		}
		sum, left, bound := p.Infeasibility(at)
		if sum < 0 && left <= bound {
			r.Status = qp.PrimalInfeasible
			r.Proof = fmt.Sprintf("the rows and bounds, weighted, add up to 0·x ≤ %.3g (up to %.2g)", sum, left)
			return r, nil
		}
		r.Worst = fmt.Sprintf("the ray proves nothing: weighted sides add up to %.3g (want less than 0), rows to %.2g (want at most %.2g)", sum, left, bound)
		return r, nil
	}
	if len(at.X) == 0 {
		return nil, errors.New(`"ray" has neither y and mu nor x`)
	}
	slope, left, bound := p.Recession(at.X)
	if slope < 0 && left <= bound {
		r.Status = qp.DualInfeasible
		r.Proof = fmt.Sprintf("along x the objective changes by %.3g and no side is met (up to %.2g)", slope, left)
		return r, nil
	}
	r.Worst = fmt.Sprintf("the ray proves nothing: the objective changes by %.3g (want less than 0), rows and bounds by %.2g (want at most %.2g)", slope, left, bound)
	return r, nil
}

// checkCone measures a point of a cone program.
func checkCone(p *problem, sol *solutionArrays, abs, rel float64) (*checkReport, error) {
	nan := number(math.NaN())
	n, m := len(p.cone.Q), len(p.cone.B)
	if len(sol.ray) > 0 {
		return checkConeRay(p, sol.ray)
	}
	x, z, s := sol.arrays["x"], sol.arrays["z"], sol.arrays["s"]
	if len(x) != n || z != nil && len(z) != m || s != nil && len(s) != m {
		return nil, fmt.Errorf("x has %d, z %d and s %d numbers, want %d, %d and %d (z and s may be missing)", len(x), len(z), len(s), n, m, m)
	}
	full := z != nil || m == 0
	if z == nil {
		z = make([]float64, m)
	}
	c := measureCone(p.cone, x, z, s)
	r := &checkReport{
		Objective: number(p.objective(c.value)), Primal: number(c.primal), PrimalScale: number(c.primalScale),
		Dual: number(c.dual), DualScale: number(c.dualScale), Gap: number(c.gap), GapScale: number(c.gapScale),
	}
	switch {
	case !full:
		r.Dual, r.DualScale, r.Gap, r.GapScale = nan, nan, nan, nan
		r.Worst = "no dual variable is given (z): only feasibility was measured, and nothing is proved about optimality"
	case c.within(abs, rel):
		r.Status = qp.Solved
	case c.within(1e-5, 1e-5):
		r.Status = qp.AlmostSolved
	}
	if c.worst >= 0 && c.primal > abs+rel*c.primalScale {
		r.Worst = fmt.Sprintf("cone %d is left by %.3g", c.worst, c.primal)
	}
	return r, nil
}

// checkCones measures every element of a batch of cone programs.
func checkCones(p *problem, sol *solutionArrays, abs, rel float64) (out []*checkReport, err error) {
	n, m, size := p.structure.N, p.structure.A.Rows, p.cones.Size
	one := map[string]int{"x": n, "z": m, "s": m}
	for _, name := range []string{"x", "z", "s"} {
		if x := sol.arrays[name]; len(x) != size*one[name] && (x != nil || name == "x") {
			return nil, fmt.Errorf("%s has %d numbers, want %d, %d for each element", name, len(x), size*one[name], one[name])
		}
	}
	for i := range size {
		part := &solutionArrays{arrays: make(map[string][]float64)}
		for name, k := range one {
			if x := sol.arrays[name]; x != nil {
				part.arrays[name] = x[i*k : (i+1)*k]
			}
		}
		if part.ray, err = sol.rayOf(i, size, one); err != nil {
			return nil, err
		}
		r, err := checkCone(p.coneElement(i), part, abs, rel)
		if err != nil {
			return nil, err
		}
		if size > 1 {
			r.Element = &i
		}
		out = append(out, r)
	}
	return out, nil
}

// checkConeRay measures a proof of a cone program.
func checkConeRay(p *problem, ray map[string][]float64) (*checkReport, error) {
	nan := number(math.NaN())
	r := &checkReport{Objective: nan, Primal: nan, Dual: nan, Gap: nan, PrimalScale: nan, DualScale: nan, GapScale: nan}
	switch z, x := ray["z"], ray["x"]; {
	case len(z) == len(p.cone.B) && z != nil:
		sum, left, bound := coneInfeasibility(p.cone, z)
		if sum < 0 && left <= bound {
			r.Status, r.Proof = qp.PrimalInfeasible, fmt.Sprintf("z in K* with bᵀz = %.3g and ‖Aᵀz‖ = %.2g", sum, left)
		} else {
			r.Worst = fmt.Sprintf("the ray proves nothing: bᵀz is %.3g (want less than 0), Aᵀz and what z leaves of K* %.2g (want at most %.2g)", sum, left, bound)
		}
	case len(x) == len(p.cone.Q):
		slope, left, bound := coneRecession(p.cone, x)
		if slope < 0 && left <= bound {
			r.Status, r.Proof = qp.DualInfeasible, fmt.Sprintf("qᵀx = %.3g, and −Ax stays in K (up to %.2g)", slope, left)
		} else {
			r.Worst = fmt.Sprintf("the ray proves nothing: qᵀx is %.3g (want less than 0), what −Ax leaves of K %.2g (want at most %.2g)", slope, left, bound)
		}
	default:
		return nil, fmt.Errorf(`"ray" has neither z of %d nor x of %d numbers`, len(p.cone.B), len(p.cone.Q))
	}
	return r, nil
}
