package mps

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// Options of Read; nil is the default.
type Options struct {
	Format Format // Auto, Free or Fixed
}

// ReadFile reads a file, gzipped or not.
func ReadFile(name string) (*Problem, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("mps: %w", err)
	}
	defer f.Close()
	p, err := Read(f, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// Read reads one problem up to ENDATA, gzipped or not. It takes memory for what
// it has read, never for what is announced. The error is a *[SyntaxError], or one
// of reading.
func Read(src io.Reader, opt *Options) (*Problem, error) {
	in := bufio.NewReaderSize(src, maxLine)
	magic, _ := in.Peek(2)
	zipped := len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b
	if zipped {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("mps: gzip: %w", err)
		}
		in = bufio.NewReaderSize(z, maxLine)
	}
	r := &reader{in: in, p: new(Problem), objective: -1, column: -1}
	if opt != nil {
		r.format = opt.Format
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	if zipped { // its checksum is at the end
		if _, err := io.Copy(io.Discard, in); err != nil {
			return nil, fmt.Errorf("mps: after ENDATA: %w", err)
		}
	}
	return r.finish()
}

// maxLine is the size of the buffer, and so the length of the longest line.
const maxLine = 1 << 17

// section is where in the file a line is.
type section uint8

const (
	before section = iota
	name
	objsense
	objname
	rows
	columnsSection
	rhs
	ranges
	bounds
	quadobj
	qmatrix
	endata
	numSections
)

var sectionNames = [numSections]string{"", "NAME", "OBJSENSE", "OBJNAME", "ROWS", "COLUMNS", "RHS", "RANGES", "BOUNDS", "QUADOBJ", "QMATRIX", "ENDATA"}

// refused are sections that are understood and refused, with the reason.
var refused = map[string]string{
	"SOS":        "special ordered sets need a mixed-integer solver",
	"SOS1":       "special ordered sets need a mixed-integer solver",
	"SOS2":       "special ordered sets need a mixed-integer solver",
	"SETS":       "special ordered sets need a mixed-integer solver",
	"INDICATORS": "indicator constraints need a mixed-integer solver",
	"GENCONS":    "general constraints need a mixed-integer solver",
	"QCMATRIX":   "quadratic constraints are not part of a QP: write the problem as a cone program (CBF)",
	"CSECTION":   "cones are not part of a QP: write the problem as a cone program (CBF)",
	"USERCUTS":   "cuts need a mixed-integer solver: write them as rows",
	"LAZYCONS":   "lazy constraints need a mixed-integer solver: write them as rows",
	"DELAYEDROW": "delayed rows are not read: write them as rows",
	"MODELCUTS":  "cuts need a mixed-integer solver: write them as rows",
	"BASIS":      "a basis is not a problem",
	"REFROW":     "reference rows belong to special ordered sets",
	"BRANCH":     "branching needs a mixed-integer solver",
}

type reader struct {
	in      *bufio.Reader
	text    []byte // the current line
	line    int
	format  Format
	decided int // line that decided for Fixed, 0 if a caller did
	section section
	seen    [numSections]int // line of each section's header
	free    [8]field
	rec     record
	p       *Problem

	rowIndex, colIndex map[string]int32
	kinds              []byte // of the rows kept: L, G, E
	objective          int    // −1 before the first N row
	wantObjective      string // of OBJNAME
	dropped            map[string]bool
	ptr, idx           []int // A, column by column
	val                []float64
	column             int       // the current column
	mark               []int     // last column with an entry in that row, plus 1; the objective's last
	rhsSeen, rangeSeen []bool    // rows with an entry; the objective's last
	r                  []float64 // RANGES, NaN where there is none
	sets               [numSections]string
	ignored            [numSections]bool // a second set was left out
	given              []side            // which bounds a column was given
	quad               []quadEntry
	negative           int // columns whose lower bound a negative upper one takes away
}

// side is a set of sides.
type side uint8

const (
	lower side = 1 << iota
	upper
)

type quadEntry struct {
	row, col int32
	line     int32
	at       int32 // column of the line
	val      float64
}

// read goes through the lines.
func (r *reader) read() error {
	for r.section != endata {
		if err := r.next(); err != nil {
			if err == io.EOF {
				r.line++
				return &SyntaxError{Line: r.line, Rule: "the file ends here without ENDATA: it seems to be cut off"}
			}
			return err
		}
		line := r.text
		if len(line) == 0 || line[0] == '*' {
			continue
		}
		var err error
		if line[0] != ' ' && line[0] != '\t' {
			err = r.header()
		} else if len(bytes.TrimLeft(line, " \t")) > 0 {
			err = r.data()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next reads a line, without its end and blanks before that.
func (r *reader) next() error {
	line, err := r.in.ReadSlice('\n')
	switch {
	case err == io.EOF && len(line) > 0:
	case errors.Is(err, bufio.ErrBufferFull):
		r.line++
		return &SyntaxError{Line: r.line, Rule: fmt.Sprintf("the line is longer than %d bytes: this is no MPS file", maxLine)}
	case err == io.EOF:
		return err
	case err != nil:
		return fmt.Errorf("mps: reading line %d: %w", r.line+1, err)
	}
	r.line++
	for len(line) > 0 && line[len(line)-1] <= ' ' {
		line = line[:len(line)-1]
	}
	r.text = line
	return nil
}

// header begins a section.
func (r *reader) header() error {
	f, err := r.split()
	if err != nil && r.text[0] != 'N' { // a name may have many words
		return err
	}
	word := strings.ToUpper(string(shorten(r.free[0].text)))
	at := &r.free[0]
	if why, ok := refused[word]; ok {
		return r.errorIn(at, "section", "is refused: "+why)
	}
	var s section
	switch word {
	case "QSECTION":
		s = quadobj
		if len(f) > 1 && string(f[1].text) != r.p.Objective {
			return r.errorIn(&f[1], "row", fmt.Sprintf("is not the objective %q: quadratic constraints are not part of a QP, write the problem as a cone program (CBF)", r.p.Objective))
		}
	case "OBJSENSE", "OBJECTIVE":
		s = objsense
	case "OBJNAME", "OBJECT":
		s = objname
	default:
		for k := name; k < numSections; k++ {
			if sectionNames[k] == word {
				s = k
			}
		}
	}
	if s == before {
		return r.errorIn(at, "section", "is no section; want NAME, OBJSENSE, OBJNAME, ROWS, COLUMNS, RHS, RANGES, BOUNDS, QUADOBJ, QMATRIX or ENDATA (data lines begin with a blank)")
	}
	if n := r.seen[s]; n > 0 {
		return r.errorIn(at, "section", fmt.Sprintf("stands here again, after line %d; want each section once", n))
	}
	need := before
	switch s {
	case objname:
		if r.seen[rows] > 0 {
			return r.errorIn(at, "section", "comes after ROWS, want it before")
		}
	case columnsSection:
		need = rows
	case rhs, ranges, bounds, quadobj, qmatrix, endata:
		need = columnsSection
	}
	if need != before && r.seen[need] == 0 {
		return r.errorIn(at, "section", fmt.Sprintf("comes before %s, want it after", sectionNames[need]))
	}
	if s == qmatrix && r.seen[quadobj] > 0 || s == quadobj && r.seen[qmatrix] > 0 {
		return r.errorIn(at, "section", "comes with another quadratic section, want one of QUADOBJ and QMATRIX")
	}
	if s == rows {
		r.rowIndex = make(map[string]int32)
	}
	if s == columnsSection {
		r.startColumns()
	}
	if r.section == columnsSection {
		r.endColumns()
	}
	r.section, r.seen[s] = s, r.line
	switch {
	case s == name:
		r.p.Name = string(bytes.TrimSpace(r.text[4:]))
	case (s == objsense || s == objname) && len(f) > 1:
		return r.word(&f[1])
	case s != quadobj && len(f) > 1 && s != endata && s != rhs && s != ranges && s != bounds:
		return r.errorIn(&f[1], "", "follows the section's name, want nothing there")
	}
	return nil
}

// word is the one word of OBJSENSE or OBJNAME.
func (r *reader) word(f *field) error {
	f.num = 0
	if r.section == objname {
		if r.wantObjective != "" {
			return r.errorIn(f, "objective", "is a second name, want one")
		}
		r.wantObjective = string(f.text)
		return nil
	}
	switch strings.ToUpper(string(f.text)) {
	case "MAX", "MAXIMIZE", "MAXIMISE":
		r.p.Maximize = true
	case "MIN", "MINIMIZE", "MINIMISE":
		r.p.Maximize = false
	default:
		return r.errorIn(f, "sense", "is no sense, want MIN or MAX")
	}
	return nil
}

// data reads a line of a section. In Auto, the first line that makes no sense
// with fields between blanks, and does in columns, decides for those.
func (r *reader) data() error {
	if r.section == objsense || r.section == objname {
		f, err := r.split()
		if err != nil {
			return err
		}
		if len(f) > 1 {
			return r.errorIn(&f[1], "", "is a second word, want one")
		}
		return r.word(&f[0])
	}
	if r.section == before || r.section == name {
		return r.errorAt(1, "", "a data line stands before the first section; want ROWS first (section names begin in column 1)")
	}
	if r.format == Fixed {
		if err := r.fixed(&r.rec); err != nil {
			return err
		}
		return r.take(&r.rec, false)
	}
	err := r.freeLine()
	if err == nil || r.format == Free {
		return err
	}
	if r.fixed(&r.rec) == nil && r.take(&r.rec, false) == nil {
		r.format, r.decided = Fixed, r.line
		return nil
	}
	return err
}

// freeLine reads a line whose fields are between blanks.
func (r *reader) freeLine() error {
	f, err := r.split()
	if err != nil {
		return err
	}
	rec := &r.rec
	switch r.section {
	case rows:
		if len(f) > 2 {
			f[2].num = 3
			return r.errorIn(&f[2], "nothing", "is one field too many: a row has a type and a name without blanks")
		}
		*rec = record{code: f[0]}
		rec.code.num = 1
		if len(f) == 2 {
			rec.name = f[1]
		}
		rec.name.num = 2
	case bounds:
		return r.freeBound(f)
	case rhs, ranges:
		if len(f) > 5 || len(f) < 2 {
			return r.count(f, "a set's name, which may be left out, and one or two pairs of a row and a number")
		}
		r.freePairs(rec, f, len(f)%2 == 1)
	default:
		if r.section == columnsSection && len(f) >= 2 && string(f[1].text) == "'MARKER'" {
			return r.marker(f)
		}
		if len(f) != 3 && len(f) != 5 {
			return r.count(f, "a column, and one or two pairs of a name and a number")
		}
		r.freePairs(rec, f, true)
	}
	return r.take(rec, true)
}

// count is the error of a line with a wrong number of fields.
func (r *reader) count(f []field, want string) error {
	last := f[len(f)-1]
	return r.errorAt(last.col, fmt.Sprintf("field %d", len(f)), fmt.Sprintf("the line has %d field(s), want %s", len(f), want))
}

// marker refuses integers.
func (r *reader) marker(f []field) error {
	return r.errorIn(&f[1], "marker", "begins integer variables: they need a mixed-integer solver. Without the MARKER lines the file is its continuous relaxation")
}

// freeBound reads a bound, whose set and, for some types, number may be left out.
func (r *reader) freeBound(f []field) error {
	rec := &r.rec
	*rec = record{code: f[0], pairs: 1}
	rec.code.num = 1
	rest := f[1:]
	needs := boundNeeds(f[0].text)
	named := len(rest) == 3 || len(rest) == 2 && !needs
	if len(rest) == 2 && !needs { // FR set column, or FR column number
		if _, ok := r.colIndex[string(rest[1].text)]; !ok {
			_, named = r.colIndex[string(rest[0].text)]
			named = !named
		}
	}
	if len(rest) == 2 && needs { // a set and a column?
		_, first := r.colIndex[string(rest[0].text)]
		if _, second := r.colIndex[string(rest[1].text)]; second && !first {
			missing := field{num: 4}
			return r.errorIn(&missing, "number", "is missing, want a number after the column")
		}
	}
	if len(rest) == 0 || len(rest) > 3 || needs && len(rest) < 2 {
		return r.count(f, "a type, a set's name, which may be left out, a column, and a number unless the type is FR, MI or PL")
	}
	if named {
		rec.name, rest = rest[0], rest[1:]
	}
	rec.name.num = 2
	rec.pair[0].name = rest[0]
	rec.pair[0].name.num = 3
	if len(rest) > 1 {
		rec.pair[0].num = rest[1]
	}
	rec.pair[0].num.num = 4
	return r.take(rec, true)
}

// finish makes the problem of what was read.
func (r *reader) finish() (*Problem, error) {
	p := r.p
	if err := r.sides(); err != nil {
		return nil, err
	}
	if err := r.quadratic(); err != nil {
		return nil, err
	}
	if r.wantObjective != "" && r.objective < 0 {
		return nil, &SyntaxError{Rule: fmt.Sprintf("OBJNAME names %q, which is no N row", r.wantObjective)}
	}
	if r.objective < 0 {
		r.note("no N row: the linear objective is zero")
	}
	if n := len(r.dropped); n > 0 {
		r.note("%d N rows besides the objective %q are left out", n, p.Objective)
	}
	if r.negative > 0 {
		r.note("%d variables have a negative upper bound and no lower one, which is taken as −Inf", r.negative)
	}
	if len(p.Cols) == 0 {
		return nil, &SyntaxError{Line: r.line, Rule: "the problem has no columns, want at least one"}
	}
	return p, nil
}

func (r *reader) note(format string, args ...any) {
	r.p.Notes = append(r.p.Notes, fmt.Sprintf(format, args...))
}

// sides applies right-hand sides, ranges and the rules for bounds.
func (r *reader) sides() error {
	p := r.p
	for i, k := range r.kinds {
		v := p.RowUpper[i] // the right-hand side
		lo, up := v, v
		rng := math.NaN()
		if r.r != nil {
			rng = r.r[i]
		}
		has := !math.IsNaN(rng)
		switch {
		case k == 'L' && has:
			lo = v - math.Abs(rng)
		case k == 'L':
			lo = math.Inf(-1)
		case k == 'G' && has:
			up = v + math.Abs(rng)
		case k == 'G':
			up = math.Inf(1)
		case has && rng < 0:
			lo = v + rng
		case has:
			up = v + rng
		}
		if math.IsNaN(lo) || math.IsNaN(up) || math.IsInf(lo, 1) || math.IsInf(up, -1) {
			return &SyntaxError{Rule: fmt.Sprintf("row %q: its right-hand side %v is infinite on the wrong side of a row of type %c", p.Rows[i], v, k)}
		}
		p.RowLower[i], p.RowUpper[i] = lo, up
	}
	for j, g := range r.given {
		if g == upper && p.Upper[j] < 0 {
			p.Lower[j] = math.Inf(-1)
			r.negative++
		}
	}
	return nil
}
