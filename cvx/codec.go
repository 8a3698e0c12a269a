package cvx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// A saved program is a line of text that names the format and its version,
// then the fields in little-endian binary, then their CRC-32C. The dense form is
// not saved: it follows from the rest.
const (
	formatName    = "optnet cvx program "
	formatVersion = 1
)

// ErrFormat is wrapped by the errors of UnmarshalBinary.
var ErrFormat = errors.New("cvx: not a saved program")

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// MarshalBinary saves the program, for UnmarshalBinary of the same version of the
// format.
func (p *Program) MarshalBinary() ([]byte, error) {
	w := &writer{b: fmt.Appendf(nil, "%s%d\n", formatName, formatVersion)}
	start := len(w.b)
	w.len(len(p.params))
	for i := range p.params {
		a := &p.params[i]
		w.text(a.Name)
		w.ints(a.Rows, a.Cols, int(a.Sign), a.linear, a.logarithm)
		w.flags(a.Positive, a.Symmetric, a.PSD, a.Diagonal)
	}
	w.len(len(p.vars))
	for i := range p.vars {
		v := &p.vars[i]
		w.text(v.Name)
		w.ints(v.Rows, v.Cols)
		w.int32s(v.at)
		w.flags(v.exp)
	}
	w.len(len(p.duals))
	for i := range p.duals {
		d := &p.duals[i]
		w.text(d.Name)
		w.ints(d.Rows, d.Cols)
		w.int32s(d.ptr)
		w.int32s(d.row)
		w.floats(d.coef)
	}
	w.ints(p.theta)
	w.flags(p.maximize, p.log)
	st := &p.structure
	w.ints(st.N)
	w.flags(st.P != nil)
	if st.P != nil {
		w.pattern(st.P)
	}
	w.pattern(st.A)
	w.len(len(st.Cones))
	for _, c := range st.Cones {
		w.ints(int(c.Kind), c.Size)
		w.floats(c.Alpha)
	}
	for _, m := range p.maps {
		w.mapping(m)
	}
	w.mapping(p.constant)
	w.len(len(p.square))
	for _, m := range p.square {
		w.ints(int(m.i), int(m.j))
		w.floats([]float64{m.c})
	}
	w.b = binary.LittleEndian.AppendUint32(w.b, crc32.Checksum(w.b[start:], crcTable))
	return w.b, nil
}

// UnmarshalBinary replaces p by a saved program. An error leaves p as it was and
// wraps ErrFormat.
func (p *Program) UnmarshalBinary(data []byte) error {
	var version int
	end := 0
	for end < len(data) && end < 64 && data[end] != '\n' {
		end++
	}
	if n, err := fmt.Sscanf(string(data[:end]), formatName+"%d", &version); n != 1 || err != nil || end == len(data) {
		return fmt.Errorf("%w: the first line is not %q and a version", ErrFormat, formatName)
	}
	if version != formatVersion {
		return fmt.Errorf("%w of this version: it has version %d of the format, and this module reads version %d; compile the model again", ErrFormat, version, formatVersion)
	}
	body := data[end+1:]
	if len(body) < 4 || crc32.Checksum(body[:len(body)-4], crcTable) != binary.LittleEndian.Uint32(body[len(body)-4:]) {
		return fmt.Errorf("%w that is whole: the checksum of %d bytes is wrong, the file is truncated or damaged", ErrFormat, len(body))
	}
	r := &reader{b: body[:len(body)-4]}
	q := r.program()
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes are left over", len(r.b))
	}
	if r.err == nil {
		r.err = q.verify()
	}
	if r.err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, r.err)
	}
	q.quadraticQ = q.dense()
	*p = *q
	return nil
}

// verify checks that indices are in range, so that a program that was read
// cannot make a method panic.
func (p *Program) verify() error {
	st := &p.structure
	rows := 0
	for i, c := range st.Cones {
		if c.Kind > conic.GenPower || c.Size < 0 || c.Size > math.MaxInt32 || c.Kind == conic.Power && len(c.Alpha) != 1 {
			return fmt.Errorf("cone %d is %+v", i, c)
		}
		rows += c.Dim()
	}
	if st.N < 0 || st.N > math.MaxInt32 || p.theta < 0 || p.theta > math.MaxInt32 {
		return fmt.Errorf("%d variables and %d parameter values", st.N, p.theta)
	}
	for _, m := range []*sparse.CSC{st.P, st.A} {
		if m == nil {
			continue
		}
		if err := m.Check(); err != nil {
			return err
		}
	}
	nnzP := 0
	if st.P != nil {
		nnzP = st.P.NNZ()
		if st.P.Rows != st.N || st.P.Cols != st.N {
			return fmt.Errorf("matrix P is %d×%d, want %d×%d", st.P.Rows, st.P.Cols, st.N, st.N)
		}
		for j := range st.N {
			if end := st.P.ColPtr[j+1]; end > st.P.ColPtr[j] && st.P.RowIdx[end-1] > j {
				return fmt.Errorf("matrix P has an entry below the diagonal in column %d", j)
			}
		}
	}
	if st.A.Cols != st.N || st.A.Rows != rows {
		return fmt.Errorf("matrix A is %d×%d, want %d×%d", st.A.Rows, st.A.Cols, rows, st.N)
	}
	for k, n := range []int{nnzP, st.N, st.A.NNZ(), rows} {
		if err := p.maps[k].verify(n, p.theta); err != nil {
			return err
		}
	}
	if err := p.constant.verify(1, p.theta); err != nil {
		return err
	}
	for _, m := range p.square {
		if m.i < 0 || m.j < 0 || int(m.i) >= p.theta || int(m.j) >= p.theta {
			return fmt.Errorf("a square of parameter values %d and %d of %d", m.i, m.j, p.theta)
		}
	}
	size := func(rows, cols int) (int, bool) {
		return rows * cols, rows > 0 && cols > 0 && rows < 1<<31 && cols < 1<<31
	}
	for _, a := range p.params {
		if _, ok := size(a.Rows, a.Cols); !ok || a.Sign > ZeroSign || (a.Symmetric || a.PSD || a.Diagonal) && a.Rows != a.Cols {
			return fmt.Errorf("parameter %q is %d×%d", a.Name, a.Rows, a.Cols)
		}
		for _, first := range []int{a.linear, a.logarithm} {
			if first < -1 || first > p.theta || first >= 0 && first+a.Size() > p.theta {
				return fmt.Errorf("parameter %q is outside of θ", a.Name)
			}
		}
	}
	for _, v := range p.vars {
		if n, ok := size(v.Rows, v.Cols); !ok || len(v.at) != n {
			return fmt.Errorf("variable %q is %d×%d with %d entries", v.Name, v.Rows, v.Cols, len(v.at))
		}
		for _, j := range v.at {
			if int(j) >= st.N || j < -1 {
				return fmt.Errorf("variable %q is outside of x", v.Name)
			}
		}
	}
	for _, d := range p.duals {
		if n, ok := size(d.Rows, d.Cols); !ok || len(d.ptr) != n+1 || len(d.coef) != len(d.row) || d.ptr[0] != 0 || int(d.ptr[n]) != len(d.row) || !slices.IsSorted(d.ptr) {
			return fmt.Errorf("multiplier %q is %d×%d with %d entries", d.Name, d.Rows, d.Cols, len(d.row))
		}
		for _, r := range d.row {
			if int(r) >= rows || r < 0 {
				return fmt.Errorf("multiplier %q is outside of z", d.Name)
			}
		}
	}
	return nil
}

func (m *Map) verify(n, theta int) error {
	if len(m.base) != n || len(m.par) != len(m.idx) || len(m.coef) != len(m.idx) {
		return fmt.Errorf("a map has %d values, want %d", len(m.base), n)
	}
	for k := range m.idx {
		if m.idx[k] < 0 || int(m.idx[k]) >= n || m.par[k] < 0 || int(m.par[k]) >= theta {
			return fmt.Errorf("entry %d of a map is outside of it", k)
		}
	}
	return nil
}

// writer appends fields.
type writer struct{ b []byte }

func (w *writer) ints(xs ...int) {
	for _, x := range xs {
		w.b = binary.AppendVarint(w.b, int64(x))
	}
}

func (w *writer) len(n int) { w.ints(n) }

func (w *writer) text(s string) {
	w.len(len(s))
	w.b = append(w.b, s...)
}

func (w *writer) flags(fs ...bool) {
	for _, f := range fs {
		x := byte(0)
		if f {
			x = 1
		}
		w.b = append(w.b, x)
	}
}

func (w *writer) int32s(x []int32) {
	w.len(len(x))
	for _, v := range x {
		w.ints(int(v))
	}
}

func (w *writer) floats(x []float64) {
	w.len(len(x))
	for _, v := range x {
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(v))
	}
}

func (w *writer) intSlice(x []int) {
	w.len(len(x))
	w.ints(x...)
}

func (w *writer) pattern(a *sparse.CSC) {
	w.ints(a.Rows, a.Cols)
	w.intSlice(a.ColPtr)
	w.intSlice(a.RowIdx)
}

func (w *writer) mapping(m *Map) {
	w.floats(m.base)
	w.int32s(m.idx)
	w.int32s(m.par)
	w.floats(m.coef)
}

// reader takes them off again; after an error it returns zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.b = nil
}

func (r *reader) int() int {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("an integer is cut off")
		return 0
	}
	r.b = r.b[n:]
	return int(x)
}

// len reads a length of items that take at least the given number of bytes.
func (r *reader) len(bytes int) int {
	n := r.int()
	if n < 0 || n > len(r.b)/bytes {
		r.fail("a length of %d, with %d bytes left", n, len(r.b))
		return 0
	}
	return n
}

func (r *reader) text() string {
	n := r.len(1)
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) flag() bool {
	if len(r.b) == 0 {
		r.fail("a flag is cut off")
		return false
	}
	f := r.b[0] != 0
	r.b = r.b[1:]
	return f
}

func (r *reader) int32s() []int32 {
	x := make([]int32, r.len(1))
	for i := range x {
		v := r.int()
		if v != int(int32(v)) {
			r.fail("index %d", v)
		}
		x[i] = int32(v)
	}
	return x
}

func (r *reader) ints() []int {
	x := make([]int, r.len(1))
	for i := range x {
		x[i] = r.int()
	}
	return x
}

func (r *reader) floats() []float64 {
	x := make([]float64, r.len(8))
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(r.b))
		r.b = r.b[8:]
	}
	return x
}

func (r *reader) pattern() *sparse.CSC {
	return &sparse.CSC{Rows: r.int(), Cols: r.int(), ColPtr: r.ints(), RowIdx: r.ints()}
}

func (r *reader) mapping() *Map {
	return &Map{base: r.floats(), idx: r.int32s(), par: r.int32s(), coef: r.floats()}
}

func (r *reader) program() *Program {
	p := &Program{}
	for range r.len(1) {
		p.params = append(p.params, Param{
			Name: r.text(), Rows: r.int(), Cols: r.int(), Sign: Sign(r.int()), linear: r.int(), logarithm: r.int(),
			Positive: r.flag(), Symmetric: r.flag(), PSD: r.flag(), Diagonal: r.flag(),
		})
	}
	for range r.len(1) {
		p.vars = append(p.vars, Var{Name: r.text(), Rows: r.int(), Cols: r.int(), at: r.int32s(), exp: r.flag()})
	}
	for range r.len(1) {
		p.duals = append(p.duals, Dual{Name: r.text(), Rows: r.int(), Cols: r.int(), ptr: r.int32s(), row: r.int32s(), coef: r.floats()})
	}
	p.theta, p.maximize, p.log = r.int(), r.flag(), r.flag()
	p.structure.N = r.int()
	if r.flag() {
		p.structure.P = r.pattern()
	}
	p.structure.A = r.pattern()
	for range r.len(1) {
		p.structure.Cones = append(p.structure.Cones, conic.Cone{Kind: conic.Kind(r.int()), Size: r.int(), Alpha: r.floats()})
	}
	for k := range p.maps {
		p.maps[k] = r.mapping()
	}
	p.constant = r.mapping()
	for range r.len(1) {
		m := monomial{i: int32(r.int()), j: int32(r.int()), p: -1}
		if c := r.floats(); len(c) == 1 {
			m.c = c[0]
		} else {
			r.fail("a square has %d coefficients", len(c))
		}
		p.square = append(p.square, m)
	}
	return p
}
