package npz

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadNumpy(t *testing.T) {
	iota24 := make([]int32, 24)
	for i := range iota24 {
		iota24[i] = int32(i)
	}
	for name, want := range map[string]*Array{
		"le_f8":    {[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}},
		"be_f8":    {[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}},
		"le_f4":    {[]int{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
		"be_f4":    {[]int{2, 3}, []float32{0, 1, 2, 3, 4, 5}},
		"le_i8":    {[]int{2, 3}, []int64{0, 1, 2, 3, 4, 5}},
		"be_i8":    {[]int{2, 3}, []int64{0, 1, 2, 3, 4, 5}},
		"le_i4":    {[]int{2, 3}, []int32{0, 1, 2, 3, 4, 5}},
		"be_i4":    {[]int{2, 3}, []int32{0, 1, 2, 3, 4, 5}},
		"u1":       {[]int{2, 3}, []uint8{0, 1, 2, 3, 4, 5}},
		"b1":       {[]int{2, 3}, []bool{false, true, false, true, false, true}},
		"fortran":  {[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}},
		"fortran3": {[]int{2, 3, 4}, iota24},
		"scalar":   {[]int{}, []float64{2.5}},
		"empty":    {[]int{3, 0, 2}, []float64{}},
		"version2": {[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}},
		"version3": {[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}},
	} {
		f, err := os.Open(filepath.Join("testdata", name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadNpy(f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		if n, err := io.Copy(io.Discard, f); n != 0 || err != nil {
			t.Errorf("%s: %d bytes left, %v", name, n, err)
		}
		f.Close()
	}
	special := mustRead(t, "special").Data.([]float64)
	for i, want := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64} {
		if math.Float64bits(special[i]) != math.Float64bits(want) && !(math.IsNaN(special[i]) && math.IsNaN(want)) {
			t.Errorf("special[%d] = %v, want %v", i, special[i], want)
		}
	}
}

func mustRead(t *testing.T, name string) *Array {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := ReadNpy(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// What NumPy wrote in C order and little-endian, version 1, is written back
// byte for byte.
func TestWriteAsNumpy(t *testing.T) {
	for _, name := range []string{"le_f8", "le_f4", "le_i8", "le_i4", "u1", "b1", "scalar", "empty", "special"} {
		want, err := os.ReadFile(filepath.Join("testdata", name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := WriteNpy(&got, mustRead(t, name)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: wrote %q, want %q", name, got.Bytes(), want)
		}
	}
}

func TestReadArchives(t *testing.T) {
	q := &Array{[]int{2, 3}, []float64{0, 1, 2, 3, 4, 5}}
	for name, want := range map[string]map[string]*Array{
		"stored.npz":   {"Q": q, "p": {[]int{3}, []float32{0, 1, 2}}, "n": {[]int{}, []int64{7}}},
		"deflated.npz": {"Q": q, "zeros": {[]int{20000}, make([]float64, 20000)}, "mask": {[]int{2, 3}, []bool{false, false, false, true, true, true}}},
	} {
		got, err := ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	r, err := Open("testdata/stored.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, want := r.Names(), []string{"Q", "p", "n"}; !reflect.DeepEqual(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	if _, err := r.Read("q"); err == nil || !strings.Contains(err.Error(), `no array "q"`) || !strings.Contains(err.Error(), `"Q" "p" "n"`) {
		t.Errorf("a missing array: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	big := make([]float64, 3*chunk/8+5) // several chunks and a tail
	for i := range big {
		big[i] = float64(i) / 3
	}
	arrays := map[string]*Array{
		"big": {[]int{len(big)}, big}, "none": {[]int{0}, []int32{}}, "five": {[]int{1, 1, 2, 1, 1}, []int64{math.MinInt64, math.MaxInt64}},
	}
	name := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(name, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(name, arrays); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, arrays) {
		t.Error("WriteFile and ReadFile change the arrays")
	}
	for _, compress := range []bool{false, true} {
		var buf bytes.Buffer
		w := NewWriter(&buf, compress)
		if err := w.Write("big", arrays["big"]); err != nil {
			t.Fatal(err)
		}
		if err := w.Write("big", arrays["big"]); err == nil {
			t.Error("a name is written twice")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Read("big"); err != nil || !reflect.DeepEqual(got, arrays["big"]) {
			t.Errorf("compress %v: %v, %v", compress, got, err)
		}
	}
}

// A write that fails leaves the old file, and no other.
func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.npz")
	if err := os.WriteFile(name, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, a := range []*Array{
		{[]int{2}, []float64{1}}, {[]int{-1}, []float64{}}, {[]int{1}, []complex128{1}}, {[]int{1}, nil},
		{[]int{math.MaxInt, 2}, []float64{}}, {make([]int, 65), []float64{}},
	} {
		if err := WriteFile(name, map[string]*Array{"a": {[]int{1}, []bool{true}}, "b": a}); err == nil {
			t.Errorf("%v was written", a)
		}
	}
	if b, err := os.ReadFile(name); string(b) != "old" {
		t.Errorf("the old file has %q, %v", b, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if err := WriteFile(filepath.Join(dir, "no", "x.npz"), nil); err == nil {
		t.Error("written to a folder that does not exist")
	}
}

func TestFloat64s(t *testing.T) {
	for _, data := range []any{[]float64{0, 1}, []float32{0, 1}, []int64{0, 1}, []int32{0, 1}, []uint8{0, 1}, []bool{false, true}} {
		got, err := (&Array{[]int{2}, data}).Float64s()
		if err != nil || !reflect.DeepEqual(got, []float64{0, 1}) {
			t.Errorf("%T: %v, %v", data, got, err)
		}
	}
	if _, err := (&Array{}).Float64s(); err == nil {
		t.Error("no data, no error")
	}
}

// npy is a version 1 file with any dictionary.
func npy(dict string, data ...byte) []byte {
	b := append([]byte(magic+"\x01\x00"), binary.LittleEndian.AppendUint16(nil, uint16(len(dict)))...)
	return append(append(b, dict...), data...)
}

func TestBadNpy(t *testing.T) {
	const ok = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
	huge := fmt.Sprint(math.MaxInt)
	for _, c := range []struct {
		in   []byte
		want string
	}{
		{nil, "at byte 0: the input ends here, but the magic string"},
		{[]byte("PK\x03\x04and more"), `want the magic string`},
		{[]byte(magic), "at byte 6: the input ends"},
		{[]byte(magic + "\x09\x01xxxx"), "at byte 6: version 9.1, want 1, 2 or 3"},
		{[]byte(magic + "\x01\x00\x10"), "at byte 9: the input ends here, but the header's length has 2 bytes"},
		{[]byte(magic + "\x02\x00\x10\x00\x00"), "at byte 11: the input ends here, but the header's length has 4 bytes"},
		{[]byte(magic + "\x02\x00\xff\xff\xff\xff"), "header of 4294967295 bytes, want at most"},
		{npy(ok)[:30], "at byte 30: the input ends here, but the header has 57 bytes"},
		{npy(""), "want a dictionary"},
		{npy("[1]"), `got "[1]", want a dictionary`},
		{npy("{'descr': '<f8'"), "got the header's end, want ',' or '}'"},
		{npy("{'descr': '<f8'}"), `key "fortran_order" is missing`},
		{npy("{'descr' '<f8'}"), "want ':' after key"},
		{npy("{descr: '<f8'}"), "want a string in quotes"},
		{npy("{'descr': '<f8}"), "want a string in quotes"},
		{npy("{'type': '<f8'}"), `unknown key "type"`},
		{npy("{'descr': '<f8', 'descr': '<f8'}"), `key "descr" is there twice`},
		{npy("{'fortran_order': 1}"), "want True or False"},
		{npy("{'shape': 3}"), "want a tuple"},
		{npy("{'shape': (3)}"), "(3) is a number, want a tuple: (3,)"},
		{npy("{'shape': (3, -1)}"), "want a dimension, 0 or more"},
		{npy("{'shape': (,)}"), "want a dimension, 0 or more"},
		{npy("{'shape': (3 4)}"), "want ',' or ')'"},
		{npy("{'shape': (99999999999999999999,)}"), "is no int"},
		{npy("{'shape': (" + strings.Repeat("1,", 65) + ")}"), "more than 64 dimensions"},
		{npy(ok + "x"), "after the dictionary"},
		{npy("{'descr': '<f8', 'fortran_order': False, 'shape': (" + huge + ", 2)}"), "more elements than an int counts"},
		{npy("{'descr': '<f8', 'fortran_order': False, 'shape': ("+huge+",)}", 1, 2), "but only 2 bytes follow"},
		{npy(ok, 1, 2, 3, 4, 5, 6, 7), "at byte 67: shape [1] of 8-byte elements is 1 of them, but only 7 bytes follow"},
		{npy("{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}"), `element type "<u8", want`},
		{npy("{'descr': '=f8', 'fortran_order': False, 'shape': (1,)}"), `element type "=f8", want`},
	} {
		_, err := ReadNpy(bytes.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80q: got %v, want it to say %q", c.in, err, c.want)
		}
		var f *FormatError
		if !errors.As(err, &f) {
			t.Errorf("%.80q: %v is no FormatError", c.in, err)
		}
		// The same without a known size: still an error, and no allocation on
		// the header's word.
		if _, err := ReadNpy(iotest.OneByteReader(bytes.NewReader(c.in))); err == nil {
			t.Errorf("%.80q: a stream is accepted", c.in)
		}
	}
	for name, want := range map[string]string{
		"bad_complex": "<c16", "bad_half": "<f2", "bad_record": "records", "bad_object": "pickled",
	} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadNpy(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, want)
		}
	}
	if _, err := ReadNpy(iotest.ErrReader(os.ErrPermission)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a reader's error becomes %v", err)
	}
}

// Python 2 wrote dimensions as long integers; keys come in any order.
func TestOldHeaders(t *testing.T) {
	got, err := ReadNpy(bytes.NewReader(npy(`{"shape": ( 2L,1L ) ,'fortran_order':True,'descr':"|u1"}`+"   \n", 5, 6)))
	if err != nil || !reflect.DeepEqual(got, &Array{[]int{2, 1}, []uint8{5, 6}}) {
		t.Errorf("got %v, %v", got, err)
	}
}

// Every prefix of a good file is an error, and none panics.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"le_f8.npy", "fortran3.npy", "version3.npy"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := ReadNpy(bytes.NewReader(b[:n])); err == nil {
				t.Errorf("%s: %d of %d bytes are accepted", name, n, len(b))
			}
		}
	}
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := NewReader(bytes.NewReader(b[:n]), int64(n)); err == nil {
				t.Errorf("%s: %d of %d bytes are accepted", name, n, len(b))
			}
		}
		// A flipped bit in the elements is found by the check sum.
		flipped := bytes.Clone(b)
		at := bytes.Index(b, []byte(magic))
		if at < 0 {
			continue
		}
		flipped[at+130] ^= 4
		r, err := NewReader(bytes.NewReader(flipped), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(r.Names()[0]); !errors.Is(err, zip.ErrChecksum) {
			t.Errorf("%s: a flipped bit: %v", name, err)
		}
	}
}

// Claims of the archive's entries, and what is beside the arrays.
func TestBadArchives(t *testing.T) {
	archive := func(method uint16, entries ...any) *Reader {
		t.Helper()
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for i := 0; i < len(entries); i += 2 {
			w, err := z.CreateHeader(&zip.FileHeader{Name: entries[i].(string), Method: method})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(entries[i+1].([]byte)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		good := npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", 7)
		r := archive(method, "note.txt", []byte("text"), "a.npy", good, "b.npy", append(bytes.Clone(good), 8),
			"c.npy", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}", 1, 2, 3))
		if got := r.Names(); !reflect.DeepEqual(got, []string{"a", "b", "c"}) {
			t.Errorf("names %q", got)
		}
		if _, err := r.Read("a"); err != nil {
			t.Error(err)
		}
		if _, err := r.Read("b"); err == nil || !strings.Contains(err.Error(), "b.npy: bytes follow the last element") {
			t.Errorf("bytes after the last element: %v", err)
		}
		if _, err := r.Read("c"); err == nil || !strings.Contains(err.Error(), "c.npy: at byte") {
			t.Errorf("a claim of 8 TB: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for range 2 {
		if _, err := z.Create("a.npy"); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len())); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := Open("testdata/none.npz"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := ReadFile("testdata/le_f8.npy"); err == nil || !strings.Contains(err.Error(), "le_f8.npy: npz: archive of 176 bytes") {
		t.Errorf("an .npy read as .npz: %v", err)
	}
}

// A stored entry cannot claim more than the archive has.
func TestStoredClaim(t *testing.T) {
	b, err := os.ReadFile("testdata/stored.npz")
	if err != nil {
		t.Fatal(err)
	}
	// The sizes of the first entry of the central directory.
	at := bytes.Index(b, []byte("PK\x01\x02"))
	for _, i := range []int{20, 24} {
		binary.LittleEndian.PutUint32(b[at+i:], 1<<30)
	}
	r, err := NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return // refused even earlier
	}
	if _, err := r.Read("Q"); err == nil {
		t.Error("an entry of 1 GiB is read from an archive of 792 bytes")
	}
}

// What a header claims is not allocated: 2⁶⁰ elements from a stream of none.
func TestNoAllocationOnAClaim(t *testing.T) {
	in := npy("{'descr': '<f8', 'fortran_order': True, 'shape': (1152921504606846976,)}", make([]byte, 100)...)
	got := testing.AllocsPerRun(5, func() {
		if _, err := ReadNpy(iotest.HalfReader(bytes.NewReader(in))); err == nil {
			t.Fatal("accepted")
		}
	})
	if got > 50 {
		t.Errorf("%v allocations", got)
	}
}

func FuzzReadNpy(f *testing.F) {
	names, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(npy("{'descr': '<f8', 'fortran_order': True, 'shape': (0, 9223372036854775807, 2)}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		known, err := ReadNpy(bytes.NewReader(b))
		stream, err2 := ReadNpy(iotest.DataErrReader(bytes.NewReader(b)))
		if (err == nil) != (err2 == nil) {
			t.Fatalf("with a known size %v, as a stream %v", err, err2)
		}
		if err != nil {
			return
		}
		checkRead(t, known)
		checkRead(t, stream)
	})
}

// checkRead writes and reads what was read, and wants the same bytes twice.
func checkRead(t *testing.T, a *Array) {
	t.Helper()
	var one, two bytes.Buffer
	if err := WriteNpy(&one, a); err != nil {
		t.Fatalf("what was read cannot be written: %v", err)
	}
	again, err := ReadNpy(bytes.NewReader(one.Bytes()))
	if err != nil {
		t.Fatalf("what was written cannot be read: %v", err)
	}
	if err := WriteNpy(&two, again); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Fatalf("written, read and written: %v, %q and %q", err, one.Bytes(), two.Bytes())
	}
	if _, err := a.Float64s(); err != nil {
		t.Fatal(err)
	}
}

func FuzzReadNpz(f *testing.F) {
	for _, name := range []string{"testdata/stored.npz", "testdata/deflated.npz"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, name := range r.Names() {
			if a, err := r.Read(name); err == nil {
				checkRead(t, a)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var buf bytes.Buffer
	if err := WriteNpy(&buf, &Array{[]int{1 << 20}, make([]float64, 1<<20)}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(buf.Len()))
	for b.Loop() {
		if _, err := ReadNpy(bytes.NewReader(buf.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}
