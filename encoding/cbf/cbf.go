// Package cbf reads the Conic Benchmark Format, versions 1 to 4, as cone
// programs of package conic. Plain and gzip-compressed files are read alike.
//
// A file states, over scalar variables x and symmetric matrices X,
//
//	optimize   Σ ⟨Fⱼ, Xⱼ⟩ + aᵀx + b
//	subject to Σ ⟨Fᵢⱼ, Xⱼ⟩ + aᵢᵀx + bᵢ ∈ cone of row i    (CON)
//	           Σ xⱼHᵢⱼ + Dᵢ ⪰ 0                           (PSDCON)
//	           x ∈ cones                                  (VAR)
//	           Xⱼ ⪰ 0                                     (PSDVAR)
//
// and becomes: minimize qᵀx subject to Ax + s = b, s ∈ K. The variables are the
// scalars in the file's order, then svec of each X: the upper triangle column by
// column, off-diagonals times √2. The rows are those of CON in the file's order,
// then svec of each PSDCON, then one copy of every variable that is not free, VAR
// before PSDVAR. Free rows of CON constrain nothing and are left out.
//
// The cones of the format are, with a point k,
//
//	F, L+, L-, L=   free, ≥ 0, ≤ 0, = 0
//	Q, QR           k₁ ≥ ‖(k₂, …)‖;  2k₁k₂ ≥ ‖(k₃, …)‖², k₁, k₂ ≥ 0
//	EXP, EXP*       k₁ ≥ k₂ exp(k₃/k₂), k₂ > 0, closed;  its dual
//	@i:POW, @i:POW* ∏ kₗ^(αₗ/Σα) ≥ ‖the rest‖, with α of the i-th power cone; its dual
//
// each of them, the dual ones too, a linear image of a cone of package conic.
//
// Source: H. A. Friberg, The Conic Benchmark Format, version 3, 2017.
package cbf

import (
	"fmt"
	"io"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/internal/linescan"
)

// File is what a file says.
type File struct {
	Version int
	Problem *conic.Problem

	// Maximize says that the file maximizes: Problem minimizes the negative.
	Maximize bool
	// Constant is the constant of the file's objective; Problem has none.
	Constant float64

	// Vars is the number of scalar variables: the first entries of x. The matrix
	// variables, of the orders in PSDVars, follow as svec.
	Vars    int
	PSDVars []int
	// Rows and PSDRows are the scalar constraints and the orders of the matrix
	// constraints, as the file counts them.
	Rows    int
	PSDRows []int
}

// Objective is the file's objective, for the value of Problem's.
func (f *File) Objective(value float64) float64 {
	if f.Maximize {
		value = -value
	}
	return value + f.Constant
}

// A SyntaxError says where a file breaks which rule.
type SyntaxError struct {
	Line int    // from 1; 0 if the fault is not in one line
	Rule string // what was got, and what is wanted
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "cbf: " + e.Rule
	}
	return fmt.Sprintf("cbf: line %d: %s", e.Line, e.Rule)
}

// maxDim bounds the variables, and the rows, of a program: sizes are checked
// against it before anything is allocated on a file's word.
const maxDim = 1 << 23

// Read reads one problem. Its errors are *[SyntaxError], or those of r and of
// gzip, wrapped.
func Read(r io.Reader) (*File, error) { return read(r, maxDim) }

func read(r io.Reader, limit int) (*File, error) {
	sc, err := linescan.New(r, format)
	if err != nil {
		return nil, err
	}
	p := &parser{Scanner: sc, limit: limit, seen: map[string]int{}}
	if err := p.sections(); err != nil {
		return nil, err
	}
	return p.build()
}
