package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/encoding/cbf"
	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/encoding/sdpa"
	"github.com/optnet-go/optnet/qp"
	"github.com/optnet-go/optnet/sparse"
)

// A problem is what a file holds: one QP with names, one cone program, a batch of
// those, or a batch of dense QPs. One of rows, cone, cones and batch is not nil.
type problem struct {
	file   string
	format string
	notes  []string

	rows *mps.Problem

	cone      *conic.Problem
	structure *conic.Structure // of cones
	cones     *conic.Batch
	objective func(value float64) float64 // of a cone program's file

	shape qp.Shape
	batch *qp.Batch
}

// A fileError is an error with a file, whose name JSON shows apart.
type fileError struct {
	file string
	line int
	err  error
}

func (e *fileError) Error() string { return e.file + ": " + e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

// formats are the kinds of files by their names' ends.
var formats = map[string]string{
	".qps": "QPS", ".mps": "MPS", ".sif": "QPS", ".cbf": "CBF", ".dat-s": "SDPA", ".json": "JSON", ".npz": "npz",
}

// load reads a file; "-" is the standard input. What it is, its name says, or else
// its first bytes.
func load(name string, stdin io.Reader) (p *problem, err error) {
	p = &problem{file: name}
	defer func() {
		if err == nil {
			return
		}
		p = nil
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("%w: the compressed data end early, the file seems to be cut off", err)
		}
		e := &fileError{file: name, err: err}
		var path *os.PathError
		if errors.As(err, &path) {
			e.err = path.Err
		}
		var m *mps.SyntaxError
		var c *cbf.SyntaxError
		var s *sdpa.SyntaxError
		var j *qp.JSONError
		var k *conic.JSONError
		switch {
		case errors.As(err, &m):
			e.line = m.Line
		case errors.As(err, &c):
			e.line = c.Line
		case errors.As(err, &s):
			e.line = s.Line
		case errors.As(err, &j):
			e.line = j.Line
		case errors.As(err, &k):
			e.line = k.Line
		}
		err = e
	}()
	src := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, errors.New("is a folder, want a file")
		}
		src = f
	}
	in := bufio.NewReaderSize(src, 1<<16)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, bad := gzip.NewReader(in)
		if bad != nil {
			return nil, fmt.Errorf("gzip: %w", bad)
		}
		in = bufio.NewReaderSize(z, 1<<16)
		// A reader stops where its format ends, and the checksum comes after that.
		defer func() {
			if err == nil {
				if _, err = io.Copy(io.Discard, in); err != nil {
					err = fmt.Errorf("gzip: %w", err)
				}
			}
		}()
	}
	base := strings.TrimSuffix(strings.ToLower(filepath.Base(name)), ".gz")
	p.format = formats[filepath.Ext(base)]
	if p.format == "" {
		head, err := in.Peek(4096)
		if len(head) == 0 {
			if err == io.EOF {
				err = errors.New("the file is empty")
			}
			return nil, err
		}
		if p.format = sniff(head); p.format == "" {
			return nil, errors.New("the format is not known: want QPS, MPS, CBF, SDPA (.dat-s), JSON or npz; the name's end, as .qps, says which")
		}
	}
	switch p.format {
	case "QPS", "MPS":
		if p.rows, err = mps.Read(in, nil); err != nil {
			return nil, err
		}
		p.notes = p.rows.Notes
	case "CBF":
		f, err := cbf.Read(in)
		if err != nil {
			return nil, err
		}
		p.cone, p.objective = f.Problem, f.Objective
	case "SDPA":
		f, err := sdpa.Read(in)
		if err != nil {
			return nil, err
		}
		p.cone, p.objective = f.Problem, f.Objective
		if n, first := emptyColumns(f.Problem.A); n > 0 {
			p.notes = append(p.notes, fmt.Sprintf("%d of %d matrices have no entry, the first is F%d: if that is not meant, the file is cut off (the format has no mark for its end)", n, f.Problem.A.Cols, first+1))
		}
	case "JSON":
		return p, p.readJSON(in)
	case "npz":
		if name == "-" {
			return nil, errors.New("npz cannot be read from the standard input: give a file's name")
		}
		return p, p.readNPZ(name)
	}
	return p, nil
}

// sniff tells a format by a file's first bytes, "" if it is none.
func sniff(head []byte) string {
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return "npz"
	}
	for line := range bytes.Lines(head) {
		text := bytes.TrimSpace(line)
		switch {
		case len(text) == 0, text[0] == '#':
			continue
		case text[0] == '{':
			return "JSON"
		case text[0] == '*' && line[0] == '*':
			return "QPS" // or SDPA, whose comments begin so too: then the name says so
		case text[0] == '"':
			return "SDPA"
		}
		word := strings.ToUpper(string(bytes.Fields(text)[0]))
		switch word {
		case "NAME", "ROWS", "OBJSENSE", "OBJNAME":
			return "QPS"
		case "VER":
			return "CBF"
		}
		if word[0] >= '0' && word[0] <= '9' {
			return "SDPA"
		}
		return ""
	}
	return ""
}

// emptyColumns counts the columns without an entry.
func emptyColumns(a *sparse.CSC) (n, first int) {
	for j := a.Cols - 1; j >= 0; j-- {
		if a.ColPtr[j] == a.ColPtr[j+1] {
			n, first = n+1, j
		}
	}
	return n, first
}

// readJSON reads a cone program, which has cones, or else QPs.
func (p *problem) readJSON(in io.Reader) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	if bytes.Contains(text, []byte(`"cones"`)) {
		p.objective = func(v float64) float64 { return v }
		p.structure, p.cones, err = conic.ParseBatch(text)
		if err == nil && p.cones.Size == 1 {
			p.cone, p.cones = p.cones.Problem(p.structure, 0), nil
		}
		return err
	}
	p.shape, p.batch, err = qp.ParseBatch(text)
	return err
}

// npzNames are the names of coefficients in files of arrays.
var npzNames = [...]struct {
	names []string
	rank  int
	of    func(*qp.Data) *[]float64
}{
	{[]string{"Q"}, 2, func(d *qp.Data) *[]float64 { return &d.Q }},
	{[]string{"Qdiag"}, 1, func(d *qp.Data) *[]float64 { return &d.Q }},
	{[]string{"p", "P"}, 1, func(d *qp.Data) *[]float64 { return &d.P }},
	{[]string{"A"}, 2, func(d *qp.Data) *[]float64 { return &d.A }},
	{[]string{"b", "B"}, 1, func(d *qp.Data) *[]float64 { return &d.B }},
	{[]string{"G"}, 2, func(d *qp.Data) *[]float64 { return &d.G }},
	{[]string{"hl", "HL"}, 1, func(d *qp.Data) *[]float64 { return &d.HL }},
	{[]string{"h", "H"}, 1, func(d *qp.Data) *[]float64 { return &d.H }},
	{[]string{"l", "L"}, 1, func(d *qp.Data) *[]float64 { return &d.L }},
	{[]string{"u", "U"}, 1, func(d *qp.Data) *[]float64 { return &d.U }},
}

// readArrays reads an npz file. Its errors do not name the file, as the caller's do.
func readArrays(name string) (map[string]*npz.Array, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r, err := npz.NewReader(f, info.Size())
	if err != nil {
		return nil, err
	}
	arrays := make(map[string]*npz.Array)
	for _, key := range r.Names() {
		if arrays[key], err = r.Read(key); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

// readNPZ reads a batch: a leading dimension of the batch's size makes a
// coefficient one per element.
func (p *problem) readNPZ(name string) error {
	arrays, err := readArrays(name)
	if err != nil {
		return err
	}
	sh := &p.shape
	p.batch = &qp.Batch{Size: -1}
	sh.Q = qp.Zero
	want := func(name string, size *int, got int, what string) error {
		if *size != 0 && *size != got {
			return fmt.Errorf("array %s has %d %s, want %d", name, got, what, *size)
		}
		*size = got
		return nil
	}
	used := make(map[string]bool)
	for k, c := range npzNames {
		for _, name := range c.names {
			a := arrays[name]
			if a == nil {
				continue
			}
			used[name] = true
			x, err := a.Float64s()
			if err != nil {
				return fmt.Errorf("array %s: %w", name, err)
			}
			if dst := c.of(&p.batch.Data); *dst == nil {
				*dst = x
			} else {
				return fmt.Errorf("array %s is there a second time, as one of %v", name, c.names)
			}
			dims := a.Shape
			switch len(dims) {
			case c.rank:
			case c.rank + 1:
				if p.batch.Size >= 0 && p.batch.Size != dims[0] {
					return fmt.Errorf("array %s has values for %d elements, want %d", name, dims[0], p.batch.Size)
				}
				p.batch.Size, dims = dims[0], dims[1:]
			default:
				return fmt.Errorf("array %s has shape %v, want %d dimensions (shared) or %d (one value per element)", name, dims, c.rank, c.rank+1)
			}
			last := dims[len(dims)-1]
			switch k {
			case 0:
				sh.Q = qp.Dense
				err = errors.Join(want(name, &sh.N, last, "columns"), want(name, &sh.N, dims[0], "rows"))
			case 1:
				sh.Q = qp.Diagonal
				err = want(name, &sh.N, last, "numbers")
			case 2, 8, 9:
				err = want(name, &sh.N, last, "numbers")
			case 3:
				err = errors.Join(want(name, &sh.N, last, "columns"), want(name, &sh.NEq, dims[0], "rows"))
			case 5:
				err = errors.Join(want(name, &sh.N, last, "columns"), want(name, &sh.NIneq, dims[0], "rows"))
			case 4:
				err = want(name, &sh.NEq, last, "numbers")
			case 6, 7:
				err = want(name, &sh.NIneq, last, "numbers")
			}
			if err != nil {
				return err
			}
			if k >= 6 {
				sh.Sides |= qp.RowLower << (k - 6)
			}
		}
	}
	for name := range arrays {
		if !used[name] {
			p.notes = append(p.notes, fmt.Sprintf("array %s is none of a QP's, and left out", name))
		}
	}
	if sh.N == 0 {
		return errors.New("neither array p nor Q is there, want at least one: the names are Q (or Qdiag), p, A, b, G, hl, h, l, u")
	}
	if p.batch.Size < 0 {
		p.batch.Size = 1
	}
	if p.batch.P == nil {
		p.batch.P = make([]float64, sh.N)
	}
	return nil
}
