package sdpa

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/internal/linescan"
	"github.com/optnet-go/optnet/sparse"
)

type parser struct {
	*linescan.Scanner
	limit int // variables, and rows, at most

	comments []string
	m        int
	order    []int // of the blocks, negative for a diagonal one
	start    []int // len(order)+1: the first row of each
	c        []float64
	list     []entry
}

// entry is an entry of matrix mat in a row of svec.
type entry struct {
	line     int
	mat, row int
	val      float64 // scaled as svec
}

// head reads comments, and the numbers of variables and of blocks. What follows a
// number in its line is a remark.
func (p *parser) head() error {
	for {
		switch err := p.Next(); {
		case errors.Is(err, io.EOF) && p.Line == 0:
			return &SyntaxError{0, "the file is empty"}
		case errors.Is(err, io.EOF):
			return p.Errorf("the file ends where the number of variables is wanted; is it truncated?")
		case err != nil:
			return err
		}
		text := strings.TrimLeft(p.Text(), " \t")
		if text[0] != '"' && text[0] != '*' {
			break
		}
		p.comments = append(p.comments, strings.TrimRight(text, "\r"))
	}
	var err error
	if p.m, err = p.Int(0, "the number of variables", 0, p.limit); err != nil {
		return err
	}
	return nil
}

// blocks reads the number of blocks and their orders.
func (p *parser) blocks() error {
	if err := p.Want("the number of blocks"); err != nil {
		return err
	}
	n, err := p.Int(0, "the number of blocks", 1, p.limit)
	if err != nil {
		return err
	}
	p.start = []int{0}
	for len(p.order) < n {
		if err := p.Want("the orders of the blocks"); err != nil {
			return err
		}
		for f := 0; f < len(p.Fields) && len(p.order) < n; f++ {
			k, err := p.Int(f, "the order of a block", -p.limit, p.limit)
			if err != nil {
				return err
			}
			rows := -k
			switch {
			case k == 0:
				return p.Errorf("a block of order 0, want at least 1, or a negative order for a diagonal block")
			case k > 0:
				rows = k * (k + 1) / 2
			}
			end := p.start[len(p.order)] + rows
			if end > p.limit {
				return p.Errorf("the blocks have %d rows or more, want at most %d", end, p.limit)
			}
			p.order, p.start = append(p.order, k), append(p.start, end)
		}
	}
	return nil
}

// costs reads c, in one line or several.
func (p *parser) costs() error {
	for len(p.c) < p.m {
		if err := p.Want("the objective"); err != nil {
			return err
		}
		for f := range p.Fields {
			if len(p.c) == p.m {
				return p.Errorf("more than %d numbers in the objective, one for each variable", p.m)
			}
			v, err := p.Number(f, "an objective coefficient")
			if err != nil {
				return err
			}
			p.c = append(p.c, v)
		}
	}
	return nil
}

// entries reads the matrices: number of the matrix, number of the block, row,
// column, value.
func (p *parser) entries() error {
	for {
		err := p.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if strings.HasPrefix(p.Fields[0], "*") {
			return p.Errorf("%q after the entries: variables that are integers, or a rank, are not solved here. Without this part the file is its relaxation", p.Fields[0])
		}
		if len(p.Fields) != 5 {
			return p.Errorf("%d fields, want 5: matrix, block, row, column, value", len(p.Fields))
		}
		mat, err := p.Int(0, "the matrix", 0, p.m)
		if err != nil {
			return err
		}
		block, err := p.Int(1, "the block", 1, len(p.order))
		if err != nil {
			return err
		}
		order := p.order[block-1]
		size := max(order, -order)
		i, err := p.Int(2, "the row", 1, size)
		if err != nil {
			return err
		}
		j, err := p.Int(3, "the column", 1, size)
		if err != nil {
			return err
		}
		v, err := p.Number(4, "the value")
		if err != nil {
			return err
		}
		i, j = min(i, j)-1, max(i, j)-1
		e := entry{line: p.Line, mat: mat, val: v}
		switch {
		case order > 0:
			e.row = j*(j+1)/2 + i
			if i != j {
				e.val *= math.Sqrt2
			}
		case i == j:
			e.row = i
		default:
			return p.Errorf("entry (%d, %d) of block %d, which is diagonal", i+1, j+1, block)
		}
		e.row += p.start[block-1]
		p.list = append(p.list, e)
	}
}

// build makes the program of what was read.
func (p *parser) build() (*File, error) {
	rows := p.start[len(p.order)]
	pr := &conic.Problem{
		Q: p.c,
		A: &sparse.CSC{Rows: rows, Cols: p.m, ColPtr: make([]int, p.m+1), Val: []float64{}},
		B: make([]float64, rows),
	}
	if pr.Q == nil {
		pr.Q = []float64{}
	}
	for _, k := range p.order {
		last := len(pr.Cones) - 1
		switch {
		case k > 1:
			pr.Cones = append(pr.Cones, conic.Cone{Kind: conic.PSD, Size: k})
		case last >= 0 && pr.Cones[last].Kind == conic.NonNegative:
			pr.Cones[last].Size += max(k, -k)
		default:
			pr.Cones = append(pr.Cones, conic.Cone{Kind: conic.NonNegative, Size: max(k, -k)})
		}
	}

	slices.SortFunc(p.list, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.mat, b.mat), cmp.Compare(a.row, b.row), cmp.Compare(a.line, b.line))
	})
	for i, e := range p.list {
		if i > 0 && e.mat == p.list[i-1].mat && e.row == p.list[i-1].row {
			return nil, &SyntaxError{e.line, fmt.Sprintf("this entry is already given in line %d; one triangle of a matrix is wanted", p.list[i-1].line)}
		}
		switch {
		case e.val == 0:
		case e.mat == 0:
			pr.B[e.row] = -e.val
		default:
			pr.A.RowIdx = append(pr.A.RowIdx, e.row)
			pr.A.Val = append(pr.A.Val, -e.val)
			pr.A.ColPtr[e.mat]++
		}
	}
	for i := range p.m {
		pr.A.ColPtr[i+1] += pr.A.ColPtr[i]
	}
	return &File{Comments: p.comments, Problem: pr, Blocks: p.order}, nil
}

// format is that of the lines. The objective stands in one, and has as many numbers as
// there are variables.
var format = linescan.Format{
	Package: "sdpa", MaxLine: 1 << 28, Fortran: true,
	Blank: func(r rune) bool {
		switch r {
		case ' ', '\t', '\r', '\v', '\f', ',', '(', ')', '{', '}', '=':
			return true
		}
		return false
	},
	Error: func(line int, rule string) error { return &SyntaxError{line, rule} },
}
