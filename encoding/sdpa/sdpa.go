// Package sdpa reads semidefinite programs in SDPA's sparse format (.dat-s) as
// cone programs of package conic. Plain and gzip-compressed files are read alike.
//
// A file states, with symmetric block-diagonal matrices,
//
//	minimize   cᵀx
//	subject to x₁F₁ + … + xₘFₘ − F₀ ⪰ 0
//
// and becomes: minimize cᵀx subject to Ax + s = b, s ∈ K, where column i of A is
// −svec(Fᵢ), b is −svec(F₀) and s is the matrix of the constraint, block after
// block. A block of order k > 1 is svec of a positive semidefinite matrix: the
// upper triangle column by column, off-diagonals times √2. Diagonal blocks, and
// blocks of order 1, are nonnegative entries.
//
// The dual variable is svec of the format's Y: maximize ⟨F₀, Y⟩ subject to
// ⟨Fᵢ, Y⟩ = cᵢ, Y ⪰ 0.
//
// Source: the manual of SDPA; the notes of SDPLIB 1.2 on comments and punctuation.
package sdpa

import (
	"fmt"
	"io"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/internal/linescan"
)

// File is what a file says.
type File struct {
	Comments []string // the lines at its head
	Problem  *conic.Problem
	// Blocks are the orders of the blocks; a diagonal block has a negative one.
	Blocks []int
}

// Objective is the file's objective, for the value of Problem's: the same.
func (f *File) Objective(value float64) float64 { return value }

// A SyntaxError says where a file breaks which rule.
type SyntaxError struct {
	Line int    // from 1; 0 if the fault is not in one line
	Rule string // what was got, and what is wanted
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "sdpa: " + e.Rule
	}
	return fmt.Sprintf("sdpa: line %d: %s", e.Line, e.Rule)
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
	p := &parser{Scanner: sc, limit: limit}
	for _, step := range []func() error{p.head, p.blocks, p.costs, p.entries} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.build()
}
