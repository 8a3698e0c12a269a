package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
	"github.com/spf13/cobra"
)

// gradReport is what "grad --json" prints. The arrays of the gradient depend on the
// file: docs/COMMAND.md lists them.
type gradReport struct {
	File         string            `json:"file"`
	Status       qp.Status         `json:"status"`
	Upstream     string            `json:"upstream"`
	Gradient     map[string]any    `json:"gradient"`
	Certificates []certificateJSON `json:"certificates"`
	Seconds      number            `json:"seconds"`
	Backward     number            `json:"backward_seconds"`

	rows *mps.Problem
}

// certificateJSON is how far a derivative can be trusted.
type certificateJSON struct {
	Residual number `json:"residual"`
	Margin   number `json:"margin"`
	RCond    number `json:"rcond"`
	Error    number `json:"error"`
	Active   *int   `json:"active,omitempty"` // not of cone programs, whose rows are not counted
	Weak     *int   `json:"weak,omitempty"`
	Unique   bool   `json:"unique"`
	Zeroed   bool   `json:"zeroed"`
	Rule     string `json:"rule"`
}

// rules are the words of --rule.
var rules = map[string]qp.Rule{"least-squares": qp.LeastSquares, "weak-active": qp.WeakActive, "smoothed": qp.Smoothed, "strict": qp.Strict}

func ruleName(r qp.Rule) string {
	for name, v := range rules {
		if v == r {
			return name
		}
	}
	return "?"
}

// coefNames are the coefficients of a dense QP, in the order of their bits, with
// the names that a file with rows has for them.
var coefNames = []struct {
	name string
	rows []string
	of   func(*qp.Data) *[]float64
}{
	{"Q", []string{"Q"}, func(d *qp.Data) *[]float64 { return &d.Q }},
	{"p", []string{"c"}, func(d *qp.Data) *[]float64 { return &d.P }},
	{"A", []string{"A"}, func(d *qp.Data) *[]float64 { return &d.A }},
	{"b", []string{"rhs"}, func(d *qp.Data) *[]float64 { return &d.B }},
	{"G", []string{"A"}, func(d *qp.Data) *[]float64 { return &d.G }},
	{"hl", []string{"row_lower"}, func(d *qp.Data) *[]float64 { return &d.HL }},
	{"h", []string{"row_upper"}, func(d *qp.Data) *[]float64 { return &d.H }},
	{"l", []string{"lower"}, func(d *qp.Data) *[]float64 { return &d.L }},
	{"u", []string{"upper"}, func(d *qp.Data) *[]float64 { return &d.U }},
}

// rowsNames are what --wrt takes for a file with rows.
var rowsNames = []string{"Q", "c", "A", "rhs", "row_lower", "row_upper", "lower", "upper"}

func gradCommand() *cobra.Command {
	var (
		s        solving
		wrt      []string
		upstream string
		rule     string
		kappa    float64
	)
	cmd := &cobra.Command{
		Use:   "grad FILE",
		Short: "Differentiate the solution of a problem with respect to its data",
		Long: `Solve a problem and compute the gradient of a loss with respect to its data, with a
certificate for each problem: the residual of the system that was solved, its
condition, weakly active rows, and whether the derivative is unique at all.

The loss is given by its gradient with respect to the answers, --upstream: "value"
is the optimal value itself, "sum" the sum of the variables, anything else a file,
JSON or npz, with x, y and mu (z, nu, lambda and mu for dense QPs; x, z and s for cone
programs), one number for each answer; what is missing is zero.

--wrt names what to differentiate by: Q, c, A, rhs (of equalities), row_lower,
row_upper, lower and upper for a file with rows; Q, p, A, b, G, hl, h, l and u for
dense QPs; P, q, A and b for cone programs. The default is all but the matrices.`,
		Example: "  optnet grad --wrt c,rhs --upstream value problem.qps",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%d files given, want one; see: optnet grad --help", len(args))
			}
			if err := s.check(); err != nil {
				return err
			}
			if _, ok := rules[rule]; !ok {
				return usagef("--rule is %q, want least-squares, weak-active, smoothed or strict", rule)
			}
			if !(kappa > 0) || math.IsInf(kappa, 0) {
				return usagef("--kappa is %v, want more than 0", kappa)
			}
			p, err := load(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			up, err := readUpstream(upstream)
			if err != nil {
				return err
			}
			g := &gradient{solving: s, wrt: wrt, upstream: up, rule: rules[rule], kappa: kappa}
			r, err := g.compute(cmd.Context(), p)
			if err != nil {
				var u *usageError
				if errors.As(err, &u) {
					return err
				}
				return &fileError{file: args[0], err: err}
			}
			r.File, r.Upstream = args[0], upstream
			if s.json {
				err = writeJSON(cmd.OutOrStdout(), r)
			} else {
				err = r.print(cmd.OutOrStdout())
			}
			if err == nil && r.Status != qp.Solved && r.Status != qp.AlmostSolved {
				return errNotSolved
			}
			return err
		},
	}
	s.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&wrt, "wrt", nil, "what to differentiate by, separated by commas")
	f.StringVar(&upstream, "upstream", "value", "value, sum, or a file with the loss's gradient")
	f.StringVar(&rule, "rule", "least-squares", "where the derivative is not unique: least-squares, weak-active, smoothed or strict")
	f.Float64Var(&kappa, "kappa", 1e-4, "complementarity of the point that smoothed differentiates")
	return cmd
}

// gradient is one call of grad.
type gradient struct {
	solving
	wrt      []string
	upstream *upstreamArrays
	rule     qp.Rule
	kappa    float64
}

// upstreamArrays is a loss's gradient with respect to the answers.
type upstreamArrays struct {
	word   string // value or sum; "" for arrays
	file   string
	arrays map[string][]float64
}

func readUpstream(name string) (*upstreamArrays, error) {
	if name == "value" || name == "sum" {
		return &upstreamArrays{word: name}, nil
	}
	sol, err := readSolution(name)
	if err != nil {
		return nil, &fileError{file: name, err: fmt.Errorf("--upstream: %w", err)}
	}
	if len(sol.arrays) == 0 {
		return nil, &fileError{file: name, err: errors.New("--upstream: none of x, y, mu, z, s, nu, lambda, value is there")}
	}
	return &upstreamArrays{file: name, arrays: sol.arrays}, nil
}

// get returns an array of n numbers, or nil.
func (u *upstreamArrays) get(name string, n int) ([]float64, error) {
	x := u.arrays[name]
	if x != nil && len(x) != n {
		return nil, &fileError{file: u.file, err: fmt.Errorf("--upstream: %s has %d numbers, want %d", name, len(x), n)}
	}
	return x, nil
}

func ones(n int, v float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// wanted checks the names of --wrt.
func (g *gradient) wanted(all []string, matrices ...string) (map[string]bool, error) {
	out := make(map[string]bool)
	for _, name := range g.wrt {
		if !slices.Contains(all, name) {
			return nil, usagef("--wrt names %q, want some of %s", name, strings.Join(all, ", "))
		}
		out[name] = true
	}
	if len(g.wrt) == 0 {
		for _, name := range all {
			out[name] = !slices.Contains(matrices, name)
		}
	}
	return out, nil
}

func (g *gradient) compute(ctx context.Context, p *problem) (*gradReport, error) {
	switch {
	case p.cone != nil || p.cones != nil:
		return g.ofCones(ctx, p)
	case p.rows != nil:
		return g.ofRows(ctx, p)
	}
	var names []string
	for _, c := range coefNames {
		names = append(names, c.name)
	}
	want, err := g.wanted(names, "Q", "A", "G")
	if err != nil {
		return nil, err
	}
	sh, size := p.shape, p.batch.Size
	up := new(qp.Point)
	switch g.upstream.word {
	case "value":
		up.Value = ones(size, 1)
	case "sum":
		up.Z = ones(size*sh.N, 1)
	default:
		for _, c := range []struct {
			name string
			x    *[]float64
			one  int
		}{{"z", &up.Z, sh.N}, {"nu", &up.Nu, sh.NEq}, {"lambda", &up.Lambda, sh.NIneq}, {"mu", &up.Mu, sh.N}, {"value", &up.Value, 1}} {
			if *c.x, err = g.upstream.get(c.name, c.one*size); err != nil {
				return nil, err
			}
		}
	}
	var bits qp.Coef
	for k, c := range coefNames {
		if want[c.name] {
			bits |= 1 << k
		}
	}
	r, grad, err := g.dense(ctx, p, up, bits)
	if err != nil {
		return nil, err
	}
	for k, c := range coefNames {
		x := *c.of(&grad.Data)
		if bits&(1<<k) == 0 || len(x) == 0 {
			continue
		}
		rank := 1
		if k == 2 || k == 4 || k == 0 && sh.Q == qp.Dense {
			rank = 2
		}
		cols := sh.N
		if rank == 1 {
			cols = 0
		}
		r.Gradient[c.name] = nest(x, cols, size, perElementData(sh, k, len(x)))
	}
	return r, nil
}

// perElementData reports whether coefficient k of that length is one per element.
func perElementData(sh qp.Shape, k, length int) bool {
	one := []int{sh.N * sh.N, sh.N, sh.NEq * sh.N, sh.NEq, sh.NIneq * sh.N, sh.NIneq, sh.NIneq, sh.N, sh.N}[k]
	if k == 0 && sh.Q == qp.Diagonal {
		one = sh.N
	}
	return length != one
}

// nest gives a flat array the nesting of its coefficient.
func nest(x []float64, cols, size int, perElement bool) any {
	split := func(x []float64, n int) []any {
		out := make([]any, 0, len(x)/n)
		for i := 0; i < len(x); i += n {
			out = append(out, numbers(x[i:i+n]))
		}
		return out
	}
	one := func(x []float64) any {
		if cols > 0 {
			return split(x, cols)
		}
		return numbers(x)
	}
	if !perElement {
		return one(x)
	}
	var out []any
	n := len(x) / size
	for i := range size {
		out = append(out, one(x[i*n:(i+1)*n]))
	}
	return out
}

// dense solves dense QPs and calls VJP.
func (g *gradient) dense(ctx context.Context, p *problem, up *qp.Point, bits qp.Coef) (*gradReport, *qp.Gradient, error) {
	opt := g.qpOptions(false)
	opt.Rule, opt.Kappa = g.rule, g.kappa
	solver, err := qp.NewSolver(p.shape, opt)
	if err != nil {
		return nil, nil, err
	}
	host, _ := solver.Bytes(p.batch.Size, 0)
	if err := g.fits(host); err != nil {
		return nil, nil, err
	}
	x := new(qp.Solution)
	began := time.Now()
	if err := solver.Solve(ctx, x, p.batch); err != nil && !stopped(ctx, err) {
		return nil, nil, err
	}
	solved := time.Now()
	grad := &qp.Gradient{Want: bits}
	if bits != 0 {
		if err := x.VJP(ctx, grad, up); err != nil {
			return nil, nil, err
		}
	}
	r := &gradReport{Status: qp.Solved, Gradient: make(map[string]any), Seconds: number(solved.Sub(began).Seconds()), Backward: number(time.Since(solved).Seconds())}
	for i := range x.Info {
		if st := x.Info[i].Status; st != qp.Solved && r.Status == qp.Solved {
			r.Status = st
		}
	}
	for _, c := range grad.Certs {
		r.Certificates = append(r.Certificates, certificateJSON{
			number(c.Residual), number(c.Margin), number(c.RCond), number(c.Error), &c.Active, &c.Weak, c.Unique, c.Zeroed, ruleName(c.Rule),
		})
	}
	return r, grad, nil
}

// entry is a derivative by an entry of a matrix.
type entry struct {
	row, col string
	value    float64
}

func (e entry) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{e.row, e.col, number(e.value)})
}

// ofRows differentiates a problem with rows, as a dense QP.
func (g *gradient) ofRows(ctx context.Context, p *problem) (*gradReport, error) {
	want, err := g.wanted(rowsNames, "Q", "A")
	if err != nil {
		return nil, err
	}
	rows := p.rows
	dense, to, err := rows.QP()
	if err != nil {
		return nil, err
	}
	sh, b, err := qp.Stack(dense)
	if err != nil {
		return nil, err
	}
	sense := 1.0
	if rows.Maximize {
		sense = -1
	}
	n, m := len(rows.Cols), len(rows.Rows)
	up := new(qp.Point)
	switch g.upstream.word {
	case "value":
		up.Value = []float64{sense}
	case "sum":
		up.Z = ones(n, 1)
	default:
		if up.Z, err = g.upstream.get("x", n); err != nil {
			return nil, err
		}
		if up.Mu, err = g.upstream.get("mu", n); err != nil {
			return nil, err
		}
		y, err := g.upstream.get("y", m)
		if err != nil {
			return nil, err
		}
		if y != nil {
			up.Nu, up.Lambda = to.Split(y)
		}
		v, err := g.upstream.get("value", 1)
		if err != nil {
			return nil, err
		}
		if v != nil {
			up.Value = []float64{sense * v[0]}
		}
	}
	var bits qp.Coef
	for k, c := range coefNames {
		if want[c.rows[0]] {
			bits |= 1 << k
		}
	}
	r, grad, err := g.dense(ctx, &problem{shape: sh, batch: b}, up, bits)
	if err != nil {
		return nil, err
	}
	r.rows = rows
	place := func(k int, name string, x []float64, n int) {
		if bits&(1<<k) != 0 && want[name] {
			if len(x) == 0 {
				x = make([]float64, n)
			}
			r.Gradient[name] = numbers(x)
		}
	}
	d := &grad.Data
	scale(d.P, sense)
	scale(d.Q, sense)
	place(1, "c", d.P, n)
	place(7, "lower", d.L, n)
	place(8, "upper", d.U, n)
	place(3, "rhs", to.Join(d.B, nil), m)
	place(5, "row_lower", to.Join(nil, d.HL), m)
	place(6, "row_upper", to.Join(nil, d.H), m)
	if want["A"] {
		var list []entry
		for j := range n {
			for k := rows.A.ColPtr[j]; k < rows.A.ColPtr[j+1]; k++ {
				i := rows.A.RowIdx[k]
				v := 0.0
				if at, equal := to.Row(i); equal {
					v = d.A[at*n+j]
				} else {
					v = d.G[at*n+j]
				}
				list = append(list, entry{rows.Rows[i], rows.Cols[j], v})
			}
		}
		r.Gradient["A"] = list
	}
	if want["Q"] && rows.Q != nil {
		var list []entry
		for j := range n {
			for k := rows.Q.ColPtr[j]; k < rows.Q.ColPtr[j+1]; k++ {
				i := rows.Q.RowIdx[k]
				v := 0.0
				switch {
				case sh.Q == qp.Diagonal:
					v = d.Q[j]
				case i == j:
					v = d.Q[j*n+j]
				default: // the file's entry stands for two
					v = 2 * d.Q[i*n+j]
				}
				list = append(list, entry{rows.Cols[i], rows.Cols[j], v})
			}
		}
		r.Gradient["Q"] = list
	}
	return r, nil
}

// print prints what is not zero, for people.
func (r *gradReport) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %v, solved in %s, differentiated in %s\n", r.File, r.Status, seconds(float64(r.Seconds)), seconds(float64(r.Backward)))
	for i, c := range r.Certificates {
		if i == 8 {
			fmt.Fprintf(&b, "  … %d certificates; --json prints all\n", len(r.Certificates))
			break
		}
		fmt.Fprintf(&b, "  certificate: residual %.1e, reciprocal condition %.1e, estimated error %.1e, margin %.1e", float64(c.Residual), float64(c.RCond), float64(c.Error), float64(c.Margin))
		if c.Active != nil && c.Weak != nil {
			fmt.Fprintf(&b, ", %d active and %d weakly active rows", *c.Active, *c.Weak)
		}
		b.WriteString("; ")
		switch {
		case c.Zeroed:
			b.WriteString("zeroed: there is no solution to differentiate\n")
		case c.Unique:
			b.WriteString("the derivative is unique\n")
		default:
			fmt.Fprintf(&b, "not unique, by the rule %s\n", c.Rule)
		}
	}
	names := make([]string, 0, len(r.Gradient))
	for name := range r.Gradient {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := json.Marshal(r.Gradient[name])
		if err != nil {
			return err
		}
		switch x := r.Gradient[name].(type) {
		case numbers:
			if r.rows == nil {
				break
			}
			of := r.rows.Cols
			if name == "rhs" || strings.HasPrefix(name, "row_") {
				of = r.rows.Rows
			}
			shown := 0
			for i, v := range x {
				if v != 0 {
					if shown++; shown <= 50 {
						fmt.Fprintf(&b, "  d %s %s = %.10g\n", name, of[i], v)
					}
				}
			}
			if shown > 50 {
				fmt.Fprintf(&b, "  … %d of %s are not zero; --json prints all\n", shown, name)
			}
			continue
		case []entry:
			for i, e := range x {
				if i == 50 {
					fmt.Fprintf(&b, "  … %d entries of %s; --json prints all\n", len(x), name)
					break
				}
				fmt.Fprintf(&b, "  d %s %s, %s = %.10g\n", name, e.row, e.col, e.value)
			}
			continue
		}
		if len(text) > 2000 {
			text = append(text[:2000], " … --json prints all"...)
		}
		fmt.Fprintf(&b, "  d %s = %s\n", name, text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
