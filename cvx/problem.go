package cvx

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a model.
type Problem struct {
	Where string // the constraint or declaration it is in: `constraint "budget"`, "objective"
	Kind  string // "DCP", "DPP", or the function that was misused
	// Expr is the smallest subexpression that is to blame, as written, and
	// Curvature what the rules make of it.
	Expr      string
	Curvature Curvature
	Rule      string // what is broken, and by what
	Instead   string // the usual rewrite, if there is one
}

func problem(kind, format string, args ...any) *Problem {
	return &Problem{Kind: kind, Rule: fmt.Sprintf(format, args...)}
}

func (p *Problem) instead(format string, args ...any) *Problem {
	p.Instead = fmt.Sprintf(format, args...)
	return p
}

// Error returns the problem in a few lines.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString("cvx: ")
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	switch p.Kind {
	case "DCP":
		b.WriteString("not convex by the rules (DCP)")
	case "DPP":
		b.WriteString("not affine in the parameters by the rules (DPP)")
	case "GP":
		b.WriteString("not log-log convex by the rules (GP)")
	default:
		b.WriteString("misuse of " + p.Kind)
	}
	line := func(head, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n    %-8s %s", head, text)
		}
	}
	line("in", p.Expr)
	line("because", p.Rule)
	line("instead", p.Instead)
	return b.String()
}

// ModelError is everything that is wrong with a model.
type ModelError struct {
	Problems []*Problem
}

// Error returns all problems, one below the other.
func (e *ModelError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "cvx: %d problems", len(e.Problems))
	for i, p := range e.Problems {
		fmt.Fprintf(&b, "\n%d. %s", i+1, strings.TrimPrefix(p.Error(), "cvx: "))
	}
	return b.String()
}

// Unwrap returns the problems, for errors.As.
func (e *ModelError) Unwrap() []error {
	list := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		list[i] = p
	}
	return list
}

// SizeError refuses work that would need too much memory.
type SizeError struct {
	Expr  string // the subexpression whose canonical form is so large
	Terms int64  // how many coefficients it would have
	Limit int64
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("cvx: the canonical form of %s would have about %d coefficients (%.1f GiB), more than Model.MaxTerms = %d: keep matrices sparse, avoid products of large dense ones, or raise the limit",
		e.Expr, e.Terms, float64(e.Terms)*termBytes/(1<<30), e.Limit)
}

func sizeProblem(kind string, args ...*Expr) *Problem {
	sizes := make([]string, len(args))
	transposed := false
	for i, a := range args {
		sizes[i] = a.dims()
		for _, b := range args[:i] {
			transposed = transposed || a.rows == b.cols && a.cols == b.rows
		}
	}
	p := problem(kind, "operands of sizes %s do not go together: they must be equal, where a dimension of 1 stretches", strings.Join(sizes, " and "))
	if transposed {
		p.instead("transpose one of them with T(): a vector is a column")
	}
	return p
}
