package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
	"github.com/spf13/cobra"
)

// A diagnosis is what "diagnose --json" prints of a problem.
type diagnosis struct {
	File      string       `json:"file"`
	Element   *int         `json:"element,omitempty"`
	Name      string       `json:"name,omitempty"`
	Variables int          `json:"variables"`
	Rows      int          `json:"rows"`
	Status    qp.Status    `json:"status"`
	Objective number       `json:"objective"`
	Reason    string       `json:"reason,omitempty"`
	Findings  []finding    `json:"findings"`
	Conflict  []constraint `json:"conflict,omitempty"`  // smallest set of constraints that cannot all hold
	Direction []movement   `json:"direction,omitempty"` // smallest set of variables that run away together
	Minimal   bool         `json:"minimal,omitempty"`   // Conflict or Direction was found to be smallest, by deletion
	Advice    []string     `json:"advice"`
	Notes     []string     `json:"notes,omitempty"`
}

// A finding is something about the data or the solution that may do harm.
type finding struct {
	Kind  string   `json:"kind"`
	Text  string   `json:"text"`
	Names []string `json:"names,omitempty"`
}

// A constraint is one side of a row or a bound.
type constraint struct {
	Kind       string `json:"kind"` // row or bound
	Name       string `json:"name"`
	Text       string `json:"text"`
	Multiplier number `json:"multiplier"` // its weight in the proof, whose sides add up to −1
	Relax      number `json:"relax_by"`   // how far this side alone has to move, at least
	// Enough is how far it has to move for the whole problem to become feasible, if
	// nothing else changes; null if no distance is enough, or it is not known.
	Enough number `json:"enough_alone"`
}

// A movement is a variable's part in a direction.
type movement struct {
	Name string `json:"name"`
	Rate number `json:"rate"` // for each unit that the objective improves
}

func (d *diagnosis) find(kind string, names []string, format string, args ...any) {
	if len(names) > maxNames {
		names = names[:maxNames]
	}
	d.Findings = append(d.Findings, finding{Kind: kind, Text: fmt.Sprintf(format, args...), Names: names})
}

func (d *diagnosis) advise(format string, args ...any) {
	d.Advice = append(d.Advice, fmt.Sprintf(format, args...))
}

// maxNames bounds the lists of names.
const maxNames = 20

func diagnoseCommand() *cobra.Command {
	var (
		s       solving
		element int
	)
	cmd := &cobra.Command{
		Use:   "diagnose FILE",
		Short: "Explain why a problem is infeasible, unbounded or hard",
		Long: `Solve a problem and explain what came out, in the file's own names.

Infeasible: the smallest set of rows and bounds that contradict each other (without
any one of them the rest can hold), and how far each would have to move. Unbounded:
the smallest set of variables that run away together. In any case: numbers of very
different size, rows that depend on each other, constraints that cannot bind, rows
that are weakly active (where derivatives jump); and what to do about it.

The exit code is 0 if the problem is solved, and 3 if it is not.`,
		Example: "  optnet diagnose problem.qps",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("%d files given, want one; see: optnet diagnose --help", len(args))
			}
			if err := s.check(); err != nil {
				return err
			}
			p, err := load(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			all, err := s.diagnoseAll(cmd.Context(), p, element)
			if err != nil {
				return &fileError{file: args[0], err: err}
			}
			good := true
			for _, d := range all {
				d.File, d.Notes = args[0], p.notes
				good = good && d.Status == qp.Solved
				if s.json {
					err = writeJSON(cmd.OutOrStdout(), d)
				} else {
					err = d.print(cmd.OutOrStdout())
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
	s.flags(cmd)
	cmd.Flags().IntVar(&element, "element", -1, "element of a batch; -1: the first one that is not solved, or else the first")
	return cmd
}

func (s *solving) diagnoseAll(ctx context.Context, p *problem, element int) ([]*diagnosis, error) {
	switch {
	case p.rows != nil:
		d, err := s.diagnose(ctx, p.rows)
		return []*diagnosis{d}, err
	case p.cone != nil:
		d, err := s.diagnoseCone(ctx, p)
		return []*diagnosis{d}, err
	}
	size := 0
	if p.cones != nil {
		size = p.cones.Size
	} else {
		size = p.batch.Size
	}
	if element >= size || element < -1 {
		return nil, usagef("--element is %d, want 0 to %d", element, size-1)
	}
	if size == 0 {
		return nil, usagef("the batch is empty")
	}
	if p.cones != nil {
		return s.diagnoseCones(ctx, p, element)
	}
	if element < 0 {
		element = 0
		sol, err := s.solveBatch(ctx, p)
		if err != nil {
			return nil, err
		}
		for i := range sol.batch.Info {
			if sol.batch.Info[i].Status != qp.Solved {
				element = i
				break
			}
		}
		if info := &sol.batch.Info[element]; info.Status == qp.InvalidInput {
			d := &diagnosis{Status: info.Status, Reason: info.Reason, Variables: p.shape.N, Rows: p.shape.NEq + p.shape.NIneq, Objective: number(math.NaN())}
			if size > 1 {
				d.Element = &element
			}
			d.find("invalid", nil, "the data are no convex QP: %s", info.Reason)
			d.adviseInvalid(info.Reason)
			return []*diagnosis{d}, nil
		}
	}
	d, err := s.diagnose(ctx, rowsOf(p.shape, p.batch, element))
	if d != nil && size > 1 {
		d.Element = &element
	}
	return []*diagnosis{d}, err
}

func (d *diagnosis) adviseInvalid(reason string) {
	switch {
	case strings.Contains(reason, "NaN") || strings.Contains(reason, "Inf"):
		d.advise("Find where the value comes from: a division by zero, or a prediction that has diverged.")
	case strings.Contains(reason, "semidefinite") || strings.Contains(reason, "Cholesky"):
		d.advise("The quadratic term has a negative eigenvalue: the problem is not convex. If it is meant to be, check signs and the factor ½; a small multiple of the identity repairs rounding.")
	case strings.Contains(reason, "symmetric"):
		d.advise("Give ½(Q + Qᵀ): it has the same objective.")
	}
}

// diagnose explains a problem with rows.
func (s *solving) diagnose(ctx context.Context, p *mps.Problem) (*diagnosis, error) {
	d := &diagnosis{Name: p.Name, Variables: len(p.Cols), Rows: len(p.Rows), Findings: []finding{}, Advice: []string{}}
	d.structure(p)
	a, err := s.solveRows(ctx, &problem{rows: p})
	if err != nil {
		return nil, err
	}
	d.Status, d.Objective, d.Reason = a.status, number(a.objective), a.reason
	switch a.status {
	case qp.PrimalInfeasible:
		d.Objective = number(math.NaN())
		s.conflict(ctx, d, p, a)
	case qp.DualInfeasible:
		d.Objective = number(math.NaN())
		s.direction(ctx, d, p, a)
	case qp.Solved, qp.AlmostSolved:
		d.solved(p, a)
	case qp.InvalidInput:
		d.Objective = number(math.NaN())
		d.find("invalid", nil, "the data are no convex QP: %s", a.reason)
		d.adviseInvalid(a.reason)
	case qp.MaxTime, qp.Canceled:
		d.advise("Give it more time: --time-limit.")
	default:
		d.advise("The solver stopped before the end: primal residual %.2g, dual %.2g, gap %.2g. Look at the scaling above first; then try --solver with the other word, or a larger --max-iter.", a.primal, a.dual, a.gap)
	}
	if a.status == qp.AlmostSolved {
		d.advise("The residuals pass at 1e-5 only: %.1e of their scale. Better scaled data, or --eps-rel %.0e if that is enough.", a.relative, a.relative*2)
	}
	if len(d.Advice) == 0 {
		d.advise("Nothing needs to be done.")
	}
	return d, nil
}

// solved looks at the active constraints.
func (d *diagnosis) solved(p *mps.Problem, a *answer) {
	activity := make([]float64, len(p.Rows))
	for j := range p.Cols {
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			activity[p.A.RowIdx[k]] += p.A.Val[k] * a.x[j]
		}
	}
	largest := 0.0
	for _, y := range a.rows {
		largest = max(largest, math.Abs(y))
	}
	for _, y := range a.cols {
		largest = max(largest, math.Abs(y))
	}
	active := 0
	var weak []string
	look := func(v, y, lo, up float64, name string) {
		if lo == up {
			active++
			return
		}
		gap := min(v-lo, up-v) / (1 + math.Abs(v))
		small := math.Abs(y) <= 1e-6*(1e-3+largest)
		switch {
		case gap <= 1e-6 && small:
			weak = append(weak, name)
		case gap <= 1e-6 || !small:
			active++
		}
	}
	for i, v := range activity {
		look(v, a.rows[i], p.RowLower[i], p.RowUpper[i], "row "+p.Rows[i])
	}
	for j, v := range a.x {
		look(v, a.cols[j], p.Lower[j], p.Upper[j], "bound of "+p.Cols[j])
	}
	if len(weak) > 0 {
		d.find("degenerate", weak, "%d constraints are weakly active: they hold with equality, and their multipliers are zero. The solution is right; derivatives jump there, and a certificate says Unique = false", len(weak))
		d.advise("For gradients: drop weakly active rows that are implied by others, or choose the rule Smoothed.")
	}
	if active > len(p.Cols) {
		d.find("degenerate", nil, "%d constraints are active at the solution, more than the %d variables: multipliers are not unique", active, len(p.Cols))
	}
}

// print prints a diagnosis for people.
func (d *diagnosis) print(w io.Writer) error {
	var b strings.Builder
	title := d.File
	if d.Element != nil {
		title += fmt.Sprintf(", element %d", *d.Element)
	}
	fmt.Fprintf(&b, "%s: %d variables, %d rows: %v", title, d.Variables, d.Rows, d.Status)
	if v := float64(d.Objective); v == v {
		fmt.Fprintf(&b, ", objective %.10g", v)
	}
	b.WriteString("\n")
	if d.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", d.Reason)
	}
	if len(d.Conflict) > 0 {
		kind := "These constraints cannot all hold"
		if d.Minimal {
			kind += "; without any one of them the others can"
		}
		fmt.Fprintf(&b, "\n%s:\n", kind)
		for _, c := range d.Conflict {
			fmt.Fprintf(&b, "  %s\n", c.Text)
		}
		b.WriteString("\nWhy: weighted like this they add up to a contradiction (0 ≤ −1).\n")
		for _, c := range d.Conflict {
			fmt.Fprintf(&b, "  %10.4g × %s %s\n", float64(c.Multiplier), c.Kind, c.Name)
		}
	}
	if len(d.Direction) > 0 {
		kind := "The objective improves without end when these variables move together"
		if d.Minimal {
			kind += "; with any one of them fixed, the others cannot"
		}
		fmt.Fprintf(&b, "\n%s:\n", kind)
		for _, m := range d.Direction {
			fmt.Fprintf(&b, "  %s by %+.4g for each unit of the objective\n", m.Name, float64(m.Rate))
		}
	}
	if len(d.Findings) > 0 {
		b.WriteString("\nFound:\n")
		for _, f := range d.Findings {
			fmt.Fprintf(&b, "  %s: %s\n", f.Kind, f.Text)
			if len(f.Names) > 0 {
				fmt.Fprintf(&b, "    %s\n", strings.Join(f.Names, ", "))
			}
		}
	}
	for _, note := range d.Notes {
		fmt.Fprintf(&b, "  note: %s\n", note)
	}
	b.WriteString("\nWhat to do:\n")
	for _, a := range d.Advice {
		fmt.Fprintf(&b, "  %s\n", a)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
