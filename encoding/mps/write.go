package mps

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// WriteFile writes a file under a temporary name in the same directory and
// renames it: the file is whole or not there. A name that ends in .gz is gzipped.
func WriteFile(name string, p *Problem, format Format) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("mps: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("mps: writing %s: %w", name, err)
		}
	}()
	var w io.Writer = f
	var z *gzip.Writer
	if strings.HasSuffix(name, ".gz") {
		z = gzip.NewWriter(f)
		w = z
	}
	if err := Write(w, p, format); err != nil {
		return err
	}
	if z != nil {
		if err := z.Close(); err != nil {
			return err
		}
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// Write writes a problem. In the free format every number is written such that
// reading it gives the same bits; in the fixed one it gets what digits fit into
// 12 columns. Auto is Free, or Fixed if names contain blanks. Names that the
// format cannot hold are an error.
func Write(w io.Writer, p *Problem, format Format) error {
	if format == Auto {
		format = Free
		for _, names := range [...][]string{p.Cols, p.Rows, {p.Objective}} {
			for _, s := range names {
				if strings.ContainsAny(s, " \t") {
					format = Fixed
				}
			}
		}
	}
	out := &writer{w: bufio.NewWriterSize(w, 1<<16), p: p, fixed: format == Fixed}
	if err := out.check(); err != nil {
		return err
	}
	out.all()
	return out.w.Flush()
}

type writer struct {
	w         *bufio.Writer
	p         *Problem
	fixed     bool
	objective string
	buf       []byte
}

// check refuses what the format cannot hold.
func (w *writer) check() error {
	p := w.p
	n, m := len(p.Cols), len(p.Rows)
	if len(p.C) != n || len(p.Lower) != n || len(p.Upper) != n || len(p.RowLower) != m || len(p.RowUpper) != m {
		return fmt.Errorf("mps: Problem has %d columns and %d rows by name, but C %d, Lower %d, Upper %d, RowLower %d, RowUpper %d entries", n, m, len(p.C), len(p.Lower), len(p.Upper), len(p.RowLower), len(p.RowUpper))
	}
	if p.A == nil || p.A.Rows != m || p.A.Cols != n {
		return fmt.Errorf("mps: Problem.A is missing or not %d×%d", m, n)
	}
	if p.Q != nil && (p.Q.Rows != n || p.Q.Cols != n) {
		return fmt.Errorf("mps: Problem.Q is %d×%d, want %d×%d", p.Q.Rows, p.Q.Cols, n, n)
	}
	for _, a := range []float64{p.Constant} {
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return fmt.Errorf("mps: the constant is %v, want a finite number", a)
		}
	}
	w.objective = p.Objective
	rows := make(map[string]bool, m)
	for _, s := range p.Rows {
		if rows[s] {
			return fmt.Errorf("mps: row name %q is there twice", s)
		}
		rows[s] = true
	}
	for w.objective == "" || rows[w.objective] {
		w.objective += "OBJ"
	}
	cols := make(map[string]bool, n)
	for _, s := range p.Cols {
		if cols[s] {
			return fmt.Errorf("mps: column name %q is there twice", s)
		}
		cols[s] = true
	}
	for _, names := range [...][]string{p.Cols, p.Rows, {w.objective}} {
		for _, s := range names {
			switch {
			case s == "":
				return fmt.Errorf("mps: a name is empty, which no format can hold")
			case strings.ContainsAny(s, "\n\r\t") || s[0] == '$' || s != strings.TrimSpace(s):
				return fmt.Errorf("mps: name %q begins with a dollar, begins or ends with a blank, or contains a tab or an end of line: rename it", s)
			case !w.fixed && strings.Contains(s, " "):
				return fmt.Errorf("mps: name %q contains a blank, which the free format cannot hold: use Fixed, or rename it", s)
			case w.fixed && len(s) > 8:
				return fmt.Errorf("mps: name %q has %d bytes, want at most 8 in the fixed format: use Free, or rename it", s, len(s))
			}
		}
	}
	for k, x := range [...][]float64{p.C, p.A.Val, p.RowLower, p.RowUpper, p.Lower, p.Upper} {
		for _, v := range x {
			if math.IsNaN(v) || k < 2 && math.IsInf(v, 0) {
				return fmt.Errorf("mps: the problem has an entry %v, which the format cannot hold", v)
			}
		}
	}
	for i := range p.Rows {
		if lo, up := p.RowLower[i], p.RowUpper[i]; lo > up || math.IsInf(lo, 1) || math.IsInf(up, -1) {
			return fmt.Errorf("mps: row %q has sides %v and %v, which the format cannot hold", p.Rows[i], lo, up)
		}
	}
	return nil
}

func (w *writer) all() {
	p := w.p
	fmt.Fprintf(w.w, "NAME          %s\n", strings.Join(strings.Fields(p.Name), " "))
	if p.Maximize {
		w.w.WriteString("OBJSENSE\n    MAX\n")
	}
	w.w.WriteString("ROWS\n")
	w.line("N", w.objective, "", 0, false)
	kinds := make([]string, len(p.Rows))
	for i, s := range p.Rows {
		lo, up := p.RowLower[i], p.RowUpper[i]
		switch {
		case lo == up:
			kinds[i] = "E"
		case math.IsInf(up, 1):
			kinds[i] = "G"
		default:
			kinds[i] = "L"
		}
		w.line(kinds[i], s, "", 0, false)
	}
	w.w.WriteString("COLUMNS\n")
	for j, s := range p.Cols {
		if p.C[j] != 0 || p.A.ColPtr[j] == p.A.ColPtr[j+1] {
			w.line("", s, w.objective, p.C[j], true)
		}
		for k := p.A.ColPtr[j]; k < p.A.ColPtr[j+1]; k++ {
			w.line("", s, p.Rows[p.A.RowIdx[k]], p.A.Val[k], true)
		}
	}
	w.w.WriteString("RHS\n")
	if p.Constant != 0 {
		w.line("", "RHS", w.objective, -p.Constant, true)
	}
	ranges := false
	for i, s := range p.Rows {
		lo, up := p.RowLower[i], p.RowUpper[i]
		v := up
		if kinds[i] == "G" {
			v = lo
		}
		if math.IsInf(v, -1) { // a G row without a side
			v = -1e30
		}
		if v != 0 {
			w.line("", "RHS", s, v, true)
		}
		ranges = ranges || kinds[i] == "L" && !math.IsInf(lo, -1)
	}
	if ranges {
		w.w.WriteString("RANGES\n")
		for i, s := range p.Rows {
			if lo, up := p.RowLower[i], p.RowUpper[i]; kinds[i] == "L" && !math.IsInf(lo, -1) {
				w.line("", "RNG", s, up-lo, true)
			}
		}
	}
	w.bounds()
	if p.Q != nil && len(p.Q.RowIdx) > 0 {
		w.w.WriteString("QUADOBJ\n")
		for j, s := range p.Cols {
			for k := p.Q.ColPtr[j]; k < p.Q.ColPtr[j+1]; k++ {
				w.line("", s, p.Cols[p.Q.RowIdx[k]], p.Q.Val[k], true)
			}
		}
	}
	w.w.WriteString("ENDATA\n")
}

func (w *writer) bounds() {
	p := w.p
	begun := false
	put := func(kind, col string, v float64, has bool) {
		if !begun {
			w.w.WriteString("BOUNDS\n")
			begun = true
		}
		w.line(kind, "BND", col, v, has)
	}
	for j, s := range p.Cols {
		lo, up := p.Lower[j], p.Upper[j]
		switch {
		case lo == up:
			put("FX", s, lo, true)
			continue
		case math.IsInf(lo, -1) && math.IsInf(up, 1):
			put("FR", s, 0, false)
			continue
		case math.IsInf(lo, -1):
			put("MI", s, 0, false)
		case lo != 0 || up < 0:
			put("LO", s, lo, true)
		}
		if !math.IsInf(up, 1) {
			put("UP", s, up, true)
		}
	}
}

// line writes a data line with at most one pair.
func (w *writer) line(code, name, other string, v float64, has bool) {
	b := w.buf[:0]
	pad := func(to int) {
		if !w.fixed {
			b = append(b, ' ')
			return
		}
		for len(b) < to {
			b = append(b, ' ')
		}
	}
	b = append(b, ' ')
	b = append(b, code...)
	pad(4)
	b = append(b, name...)
	if other != "" {
		pad(14)
		b = append(b, other...)
	}
	if has {
		pad(24)
		if w.fixed {
			b = append(b, narrow(v)...)
		} else {
			b = strconv.AppendFloat(b, v, 'g', -1, 64)
		}
	}
	b = append(b, '\n')
	w.w.Write(b)
	w.buf = b
}

// narrow writes a number in 12 columns, with as many digits as fit.
func narrow(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	for digits := 12; len(s) > 12; digits-- {
		s = strconv.FormatFloat(v, 'g', digits, 64)
	}
	return s
}
