package cvx

import (
	"fmt"
	"strings"
)

// Tree prints the expression one node a line, with the size, the sign and the
// curvature of each, parameters being constant:
//
//	SumSquares                    1×1  nonnegative   convex
//	  Sub                         20×1 unknown sign  affine
//	    …
//
// A node that the rules refuse is marked with ✗; one that breaks them only when
// parameters count as affine says "not DPP". What occurs again is not printed again below its
// first line.
func (e *Expr) Tree() string {
	var b strings.Builder
	dcp, dpp := newRules(false), newRules(true)
	wrong := map[*Expr]bool{}
	for _, x := range dcp.offenders(e, map[*Expr]bool{}) {
		wrong[x] = true
	}
	var lines [][4]string
	var marks []string
	seen := map[*Expr]bool{}
	var walk func(e *Expr, depth int)
	walk = func(e *Expr, depth int) {
		text := strings.Repeat("  ", min(depth, 40))
		again := seen[e] && len(e.args) > 0
		seen[e] = true
		if e.leaf != nil {
			text += e.String()
		} else {
			name, extra := e.atom.label()
			text += name
			if extra != "" {
				text += "(…, " + extra + ")"
			}
			if e.name != "" {
				text += "  as " + e.name
			}
		}
		f := dcp.of(e)
		mark := ""
		switch {
		case e.bad != nil:
			mark = "✗ " + e.bad.Rule
		case wrong[e]:
			mark = "✗"
		case f.curv != UnknownCurvature && dpp.of(e).curv == UnknownCurvature:
			mark = "not DPP"
		}
		lines = append(lines, [4]string{text, e.dims(), f.sign.String(), f.curv.String()})
		if again {
			lines[len(lines)-1][0] += " …"
			marks = append(marks, strings.TrimSpace(mark+" as above"))
			return
		}
		marks = append(marks, mark)
		for _, a := range e.args {
			walk(a, depth+1)
		}
	}
	walk(e, 0)
	var width [3]int
	for _, l := range lines {
		for k := range width {
			width[k] = max(width[k], len([]rune(l[k])))
		}
	}
	for i, l := range lines {
		var row strings.Builder
		for k := range width {
			fmt.Fprintf(&row, "%-*s  ", width[k], l[k])
		}
		row.WriteString(l[3])
		if marks[i] != "" {
			row.WriteString("  " + marks[i])
		}
		b.WriteString(strings.TrimRight(row.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
