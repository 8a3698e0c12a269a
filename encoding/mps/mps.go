// Package mps reads and writes linear and convex quadratic programs as MPS and
// QPS files, fixed and free, plain or gzipped.
//
//	minimize   ½ xᵀQx + cᵀx + constant        (or maximize)
//	subject to RowLower ≤ Ax ≤ RowUpper
//	           Lower ≤ x ≤ Upper
//
// What files leave open is read so:
//
//   - The first N row is the objective, unless OBJNAME names another one; further
//     N rows are left out. The constant is minus the objective's entry in RHS.
//   - A RANGES entry R makes an L row [rhs − |R|, rhs], a G row [rhs, rhs + |R|], an
//     E row [rhs, rhs + R] or, for R < 0, [rhs + R, rhs].
//   - Variables are nonnegative unless BOUNDS says otherwise. A negative upper bound
//     without a lower one makes the lower one −Inf. MI leaves the upper bound alone.
//   - Sides of at least 1e20 in magnitude are infinite.
//   - QUADOBJ and QSECTION list one triangle of Q, entries off the diagonal once;
//     QMATRIX lists all of Q. All stand for ½ xᵀQx.
//   - Of several RHS, RANGES or BOUNDS sets the first one counts.
//
// Choices that a file's author may not have meant are listed in [Problem.Notes].
// Integer and semi-continuous variables, special ordered sets, quadratic
// constraints and cones are refused: these are not convex QPs.
//
// Formats: IBM's MPSX conventions for fields in columns (names may contain blanks);
// fields between blanks as most solvers read them; the quadratic sections as
// Maros and Mészáros, "A repository of convex quadratic programming problems"
// (1999), and CPLEX define them.
package mps

import (
	"fmt"

	"github.com/optnet-go/optnet/sparse"
)

// Problem is what a file says, in its own order and names.
type Problem struct {
	Name      string
	Objective string // name of the objective row, "" if there is none
	Maximize  bool

	Cols, Rows []string // names of the variables and of the rows without N rows

	Q        *sparse.CSC // n×n, upper triangle; nil if the objective is linear
	C        []float64   // n
	Constant float64
	A        *sparse.CSC // m×n

	RowLower, RowUpper []float64 // m, ±Inf where there is no side
	Lower, Upper       []float64 // n, ±Inf where there is no bound

	// Notes says how what the format leaves open was read, where the file makes
	// use of it.
	Notes []string
}

// Format says where the fields of a line are.
type Format uint8

const (
	// Auto reads fields between blanks, until a line can only be meant as fields
	// in columns: names with blanks in them. It writes Free if the names allow.
	Auto Format = iota
	// Free has fields between blanks; names contain none.
	Free
	// Fixed has fields in columns 2–3, 5–12, 15–22, 25–36, 40–47 and 50–61.
	Fixed
)

// A SyntaxError says where a file breaks which rule.
type SyntaxError struct {
	Line   int    // from 1; 0 if the fault is not in one line
	Column int    // of the field's first byte, from 1; 0 if it is the whole line
	Field  string // what stands there: "field 3 (row)"; may be empty
	Rule   string // what was got, and what is wanted
}

func (e *SyntaxError) Error() string {
	switch {
	case e.Line == 0:
		return "mps: " + e.Rule
	case e.Column == 0:
		return fmt.Sprintf("mps: line %d: %s", e.Line, e.Rule)
	case e.Field == "":
		return fmt.Sprintf("mps: line %d, column %d: %s", e.Line, e.Column, e.Rule)
	}
	return fmt.Sprintf("mps: line %d, column %d, %s: %s", e.Line, e.Column, e.Field, e.Rule)
}
