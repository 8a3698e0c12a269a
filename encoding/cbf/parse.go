package cbf

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/optnet-go/optnet/internal/linescan"
)

// parser collects the sections of a file.
type parser struct {
	*linescan.Scanner
	limit int            // variables, and rows, at most
	seen  map[string]int // section: the line of its keyword

	version          int
	maximize         bool
	power, dualPower [][]float64 // exponents as the file gives them
	vars, rows       blocks
	psdVars, psdRows triangles
	objA, objF, objB []coef
	a, f, b, h, d    []coef
}

// blocks are the cones of VAR or CON.
type blocks struct {
	list []block
	size int // dimensions together
}

type block struct {
	cone string // as in the file, without the index of a power cone
	dim  int
	pow  []float64 // exponents of a power cone
}

// triangles are the symmetric matrices of PSDVAR or PSDCON, as svec.
type triangles struct {
	order []int
	start []int // len(order)+1: the first entry of each
}

func (t *triangles) size() int {
	if len(t.start) == 0 {
		return 0
	}
	return t.start[len(t.order)]
}

// coef is one line of a coordinate section. Fields that the section has not are
// zero.
type coef struct {
	line int
	i, j int // row, variable
	k, l int // position in a matrix, k ≤ l
	val  float64
}

// A section is read by its function; the sections in after must come before it.
type section struct {
	read  func(*parser) error
	after []string
}

var sections = map[string]section{
	"OBJSENSE":  {read: (*parser).sense},
	"POWCONES":  {read: func(p *parser) error { return p.exponents(&p.power) }},
	"POW*CONES": {read: func(p *parser) error { return p.exponents(&p.dualPower) }},
	"PSDVAR":    {read: func(p *parser) error { return p.orders(&p.psdVars) }},
	"PSDCON":    {read: func(p *parser) error { return p.orders(&p.psdRows) }},
	"VAR":       {read: func(p *parser) error { return p.cones(&p.vars, "variable") }},
	"CON":       {read: func(p *parser) error { return p.cones(&p.rows, "row") }},
	"INT":       {read: (*parser).integers, after: []string{"VAR"}},

	"OBJACOORD": {read: func(p *parser) error { return p.coords(&p.objA, index{"j", 'j'}) }, after: []string{"VAR"}},
	"OBJFCOORD": {read: func(p *parser) error {
		return p.coords(&p.objF, index{"matrix variable", 'J'}, index{"row of the matrix", 'k'}, index{"column of the matrix", 'l'})
	}, after: []string{"PSDVAR"}},
	"OBJBCOORD": {read: (*parser).constant},
	"ACOORD":    {read: func(p *parser) error { return p.coords(&p.a, index{"row", 'i'}, index{"variable", 'j'}) }, after: []string{"VAR", "CON"}},
	"FCOORD": {read: func(p *parser) error {
		return p.coords(&p.f, index{"row", 'i'}, index{"matrix variable", 'J'}, index{"row of the matrix", 'k'}, index{"column of the matrix", 'l'})
	}, after: []string{"PSDVAR", "CON"}},
	"BCOORD": {read: func(p *parser) error { return p.coords(&p.b, index{"row", 'i'}) }, after: []string{"CON"}},
	"HCOORD": {read: func(p *parser) error {
		return p.coords(&p.h, index{"matrix constraint", 'I'}, index{"variable", 'j'}, index{"row of the matrix", 'k'}, index{"column of the matrix", 'l'})
	}, after: []string{"PSDCON", "VAR"}},
	"DCOORD": {read: func(p *parser) error {
		return p.coords(&p.d, index{"matrix constraint", 'I'}, index{"row of the matrix", 'k'}, index{"column of the matrix", 'l'})
	}, after: []string{"PSDCON"}},
}

// sections reads the whole file.
func (p *parser) sections() error {
	if err := p.header(); err != nil {
		return err
	}
	for {
		err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := p.Fields[0]
		s, ok := sections[name]
		switch {
		case name == "CHANGE":
			return p.Errorf("CHANGE: the file holds several problems; split it at the lines CHANGE, and apply each change to a copy")
		case !ok || len(p.Fields) != 1:
			return p.Errorf("%q, want the keyword of a section, alone in its line", strings.Join(p.Fields, " "))
		case p.seen[name] > 0:
			return p.Errorf("section %s again; the first is in line %d", name, p.seen[name])
		}
		for _, before := range s.after {
			if p.seen[before] == 0 {
				return p.Errorf("section %s before section %s, on which its indices depend", name, before)
			}
		}
		p.seen[name] = p.Line
		if err := s.read(p); err != nil {
			return err
		}
	}
	if p.seen["OBJSENSE"] == 0 {
		return &SyntaxError{0, "the file ends without a section OBJSENSE; is it truncated?"}
	}
	if p.seen["VAR"] == 0 && p.seen["PSDVAR"] == 0 {
		return &SyntaxError{0, "the file ends without a section VAR or PSDVAR; is it truncated?"}
	}
	return nil
}

// want goes to the next line of a section, which has n fields.
func (p *parser) want(name string, n int) error {
	switch err := p.Next(); {
	case errors.Is(err, io.EOF):
		return p.Errorf("the file ends where %s is wanted; is it truncated?", name)
	case err != nil:
		return err
	case len(p.Fields) != n:
		return p.Errorf("%d fields, want %d: %s", len(p.Fields), n, name)
	}
	return nil
}

// count reads a line with one number: how many lines follow. No section has more
// than limit, save the coordinates, whose number bounds nothing.
func (p *parser) count(name string, end int) (int, error) {
	if err := p.want(name, 1); err != nil {
		return 0, err
	}
	return p.Int(0, name, 0, end-1)
}

func (p *parser) header() error {
	switch err := p.Next(); {
	case errors.Is(err, io.EOF):
		return &SyntaxError{0, "the file is empty"}
	case err != nil:
		return err
	case p.Fields[0] != "VER" || len(p.Fields) != 1:
		return p.Errorf("the file begins with %q, want the section VER", strings.Join(p.Fields, " "))
	}
	p.seen["VER"] = p.Line
	if err := p.want("the version", 1); err != nil {
		return err
	}
	v, err := strconv.Atoi(p.Fields[0])
	if err != nil || v < 1 || v > 4 {
		return p.Errorf("version %q, want 1 to 4", p.Fields[0])
	}
	p.version = v
	return nil
}

func (p *parser) sense() error {
	if err := p.want("the sense", 1); err != nil {
		return err
	}
	switch p.Fields[0] {
	case "MIN":
	case "MAX":
		p.maximize = true
	default:
		return p.Errorf("sense %q, want MIN or MAX", p.Fields[0])
	}
	return nil
}

// integers refuses integer variables.
func (p *parser) integers() error {
	n, err := p.count("the number of integer variables", p.vars.size+1)
	if err == nil && n > 0 {
		err = p.Errorf("INT: %d variables must be integers; only continuous problems are solved here. Without this section the file is its relaxation", n)
	}
	return err
}

func (p *parser) constant() error {
	if err := p.want("the constant", 1); err != nil {
		return err
	}
	v, err := p.Number(0, "the value")
	p.objB = append(p.objB, coef{line: p.Line, val: v})
	return err
}

// minExponent is the least exponent of a power cone, where they sum to one: the
// dual cone divides by it.
const minExponent = 1e-12

// exponents reads POWCONES: how many cones and exponents, then, for each cone, its
// number of exponents and these.
func (p *parser) exponents(dst *[][]float64) error {
	if err := p.want("the number of power cones and of their exponents", 2); err != nil {
		return err
	}
	n, err := p.Int(0, "the number of power cones", 0, p.limit)
	if err != nil {
		return err
	}
	total, err := p.Int(1, "the number of exponents", 0, p.limit)
	if err != nil {
		return err
	}
	for range n {
		k, err := p.count("the number of exponents of a power cone", p.limit+1)
		if err != nil {
			return err
		}
		if k == 0 || k > total {
			return p.Errorf("%d exponents, want 1 to the %d that are left of the section's total", k, total)
		}
		total -= k
		var alpha []float64
		sum := 0.0
		for range k {
			if err := p.want("an exponent", 1); err != nil {
				return err
			}
			v, err := p.Number(0, "the value")
			if err != nil {
				return err
			}
			if v <= 0 {
				return p.Errorf("exponent %v, want a positive number", v)
			}
			alpha = append(alpha, v)
			sum += v
		}
		if least := slices.Min(alpha); least < minExponent*sum {
			return p.Errorf("exponent %v is less than %g of the cone's sum", least, minExponent)
		}
		*dst = append(*dst, alpha)
	}
	if total != 0 {
		return p.Errorf("the power cones have %d exponents fewer than the section announces", total)
	}
	return nil
}

// orders reads PSDVAR or PSDCON: how many matrices, then the order of each.
func (p *parser) orders(dst *triangles) error {
	n, err := p.count("the number of matrices", p.limit+1)
	if err != nil {
		return err
	}
	dst.start = []int{0}
	for range n {
		k, err := p.count("the order of a matrix", p.limit+1)
		if err != nil {
			return err
		}
		if k == 0 {
			return p.Errorf("a matrix of order 0, want at least 1")
		}
		end := dst.size() + k*(k+1)/2
		if end > p.limit {
			return p.Errorf("the matrices have %d entries or more in one triangle, want at most %d", end, p.limit)
		}
		dst.order = append(dst.order, k)
		dst.start = append(dst.start, end)
	}
	return nil
}

// cones reads VAR or CON: dimension and number of cones, then name and dimension
// of each.
func (p *parser) cones(dst *blocks, what string) error {
	if err := p.want("the number of "+what+"s and of cones", 2); err != nil {
		return err
	}
	size, err := p.Int(0, "the number of "+what+"s", 0, p.limit)
	if err != nil {
		return err
	}
	n, err := p.Int(1, "the number of cones", 0, p.limit)
	if err != nil {
		return err
	}
	for range n {
		if err := p.want("a cone and its dimension", 2); err != nil {
			return err
		}
		dim, err := p.Int(1, "the dimension of the cone", 0, size-dst.size)
		if err != nil {
			return err
		}
		b, err := p.cone(p.Fields[0], dim)
		if err != nil {
			return err
		}
		dst.list = append(dst.list, b)
		dst.size += dim
	}
	if dst.size != size {
		return p.Errorf("the cones have %d %ss, want the %d that the section announces", dst.size, what, size)
	}
	return nil
}

// cone checks a cone's name and dimension.
func (p *parser) cone(name string, dim int) (block, error) {
	b := block{cone: name, dim: dim}
	least := 0
	switch name {
	case "F", "L+", "L-", "L=":
	case "Q":
		least = 1
	case "QR":
		least = 2
	case "EXP", "EXP*":
		if dim != 3 {
			return b, p.Errorf("cone %s of dimension %d, want 3", name, dim)
		}
	default:
		at, kind, ok := strings.Cut(name, ":")
		list := p.power
		if kind == "POW*" {
			list = p.dualPower
		}
		if !ok || !strings.HasPrefix(at, "@") || kind != "POW" && kind != "POW*" {
			return b, p.Errorf("cone %q, want one of F, L+, L-, L=, Q, QR, EXP, EXP*, @i:POW, @i:POW*", name)
		}
		i, err := strconv.Atoi(at[1:])
		if err != nil || i < 0 || i >= len(list) {
			return b, p.Errorf("cone %q; the file has %d such power cones before this line, numbered from 0", name, len(list))
		}
		b.cone, b.pow = kind, list[i]
		least = len(b.pow)
	}
	if dim < least {
		return b, p.Errorf("cone %s of dimension %d, want at least %d", name, dim, least)
	}
	return b, nil
}

// index is one index of a coordinate section: its name in messages, and what it
// counts.
type index struct {
	name  string
	field byte // i, j: row, variable; I, J: of the matrices; k, l: position in the matrix
}

// coords reads a coordinate section: how many lines, then indices and a value.
func (p *parser) coords(dst *[]coef, indices ...index) error {
	const unbounded = int(^uint(0) >> 1)
	n, err := p.count("the number of entries", unbounded)
	if err != nil {
		return err
	}
	for range n {
		if err := p.want("indices and a value", len(indices)+1); err != nil {
			return err
		}
		c := coef{line: p.Line}
		order := 0 // of the matrix that k and l point into
		for f, ix := range indices {
			switch ix.field {
			case 'i':
				c.i, err = p.Int(f, ix.name, 0, p.rows.size-1)
			case 'j':
				c.j, err = p.Int(f, ix.name, 0, p.vars.size-1)
			case 'I':
				if c.i, err = p.Int(f, ix.name, 0, len(p.psdRows.order)-1); err == nil {
					order = p.psdRows.order[c.i]
				}
			case 'J':
				if c.j, err = p.Int(f, ix.name, 0, len(p.psdVars.order)-1); err == nil {
					order = p.psdVars.order[c.j]
				}
			case 'k':
				c.k, err = p.Int(f, ix.name, 0, order-1)
			case 'l':
				c.l, err = p.Int(f, ix.name, 0, order-1)
			}
			if err != nil {
				return err
			}
		}
		if c.k > c.l {
			c.k, c.l = c.l, c.k
		}
		if c.val, err = p.Number(len(indices), "the value"); err != nil {
			return err
		}
		*dst = append(*dst, c)
	}
	*dst = slices.Clip(*dst)
	return nil
}

// format is that of the lines: at most 512 characters, the standard says.
var format = linescan.Format{
	Package: "cbf", MaxLine: 1 << 16, TooLong: "; is this a CBF file?", Comment: "#", Blank: unicode.IsSpace,
	Error: func(line int, rule string) error { return &SyntaxError{line, rule} },
}
