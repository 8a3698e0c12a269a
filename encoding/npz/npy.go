package npz

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
)

// chunk is how many bytes are read or written at a time. All element sizes
// divide it.
const chunk = 1 << 16

// ReadNpy reads one array, and nothing beyond it.
func ReadNpy(r io.Reader) (*Array, error) {
	a, err := read(r, known(r))
	if err != nil {
		return nil, fmt.Errorf("npz: %w", err)
	}
	return a, nil
}

// known is the number of bytes that r still holds, or −1.
func known(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }: // bytes.Reader and the like
		return int64(r.Len())
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return -1
		}
		at, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return -1
		}
		return max(info.Size()-at, 0)
	}
	return -1
}

// read reads one array from an input of size bytes, −1 if that is unknown.
func read(r io.Reader, size int64) (*Array, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	count, err := elements(h.shape)
	if err != nil {
		return nil, &FormatError{h.end, "header: " + err.Error()}
	}
	var order binary.ByteOrder = binary.LittleEndian
	kind := h.descr
	switch {
	case strings.HasPrefix(kind, "<"), strings.HasPrefix(kind, "|"):
		kind = kind[1:]
	case strings.HasPrefix(kind, ">"):
		kind, order = kind[1:], binary.BigEndian
	}
	a := &Array{Shape: h.shape}
	switch kind {
	case "f8":
		a.Data, err = decode(r, h, size, count, 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) })
	case "f4":
		a.Data, err = decode(r, h, size, count, 4, func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) })
	case "i8":
		a.Data, err = decode(r, h, size, count, 8, func(b []byte) int64 { return int64(order.Uint64(b)) })
	case "i4":
		a.Data, err = decode(r, h, size, count, 4, func(b []byte) int32 { return int32(order.Uint32(b)) })
	case "u1":
		a.Data, err = decode(r, h, size, count, 1, func(b []byte) uint8 { return b[0] })
	case "b1":
		a.Data, err = decode(r, h, size, count, 1, func(b []byte) bool { return b[0] != 0 })
	case "O":
		err = &FormatError{h.end, "the elements are pickled Python objects, which are not read: save numbers"}
	default:
		err = &FormatError{h.end, fmt.Sprintf("element type %q, want f8, f4, i8, i4, u1 or b1 after '<', '>' or '|': convert with astype", h.descr)}
	}
	if err != nil {
		return nil, err
	}
	return a, nil
}

// decode reads count elements of width bytes.
func decode[T any](r io.Reader, h *header, size int64, count, width int, get func([]byte) T) ([]T, error) {
	if size >= 0 && int64(count) > max(size-h.end, 0)/int64(width) {
		return nil, &FormatError{h.end, fmt.Sprintf("shape %v of %d-byte elements is %d of them, but only %d bytes follow", h.shape, width, count, max(size-h.end, 0))}
	}
	// Without a known size, append doubles what was really read.
	first := count
	if size < 0 {
		first = min(count, chunk/width)
	}
	data := make([]T, 0, first)
	buf := make([]byte, min(count, chunk/width)*width) // count is an int, its bytes need not be
	for len(data) < count {
		b := buf[:min(count-len(data), chunk/width)*width]
		if n, err := io.ReadFull(r, b); err != nil {
			at := h.end + int64(len(data))*int64(width) + int64(n)
			return nil, short(err, at, fmt.Sprintf("shape %v is %d elements of %d bytes", h.shape, count, width))
		}
		for ; len(b) > 0; b = b[width:] {
			data = append(data, get(b))
		}
	}
	if h.fortran {
		data = rowMajor(data, h.shape)
	}
	return data, nil
}

// rowMajor reorders an array whose first index runs fastest.
func rowMajor[T any](data []T, shape []int) []T {
	if len(shape) < 2 || len(data) == 0 {
		return data
	}
	out := make([]T, len(data))
	index := make([]int, len(shape))
	stride := make([]int, len(shape)) // of data
	for i, s := 0, 1; i < len(shape); i++ {
		stride[i] = s
		s *= shape[i]
	}
	from := 0
	for i := range out {
		out[i] = data[from]
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			from += stride[d]
			if index[d] < shape[d] {
				break
			}
			from -= index[d] * stride[d]
			index[d] = 0
		}
	}
	return out
}

// WriteNpy writes one array.
func WriteNpy(w io.Writer, a *Array) error {
	if err := write(w, a); err != nil {
		return fmt.Errorf("npz: writing: %w", err)
	}
	return nil
}

func write(w io.Writer, a *Array) error {
	count, err := elements(a.Shape)
	if err != nil {
		return err
	}
	var descr string
	var length int
	var put func(b []byte, from, to int) []byte
	le := binary.LittleEndian
	switch d := a.Data.(type) {
	case []float64:
		descr, length = "<f8", len(d)
		put = func(b []byte, from, to int) []byte {
			for _, v := range d[from:to] {
				b = le.AppendUint64(b, math.Float64bits(v))
			}
			return b
		}
	case []float32:
		descr, length = "<f4", len(d)
		put = func(b []byte, from, to int) []byte {
			for _, v := range d[from:to] {
				b = le.AppendUint32(b, math.Float32bits(v))
			}
			return b
		}
	case []int64:
		descr, length = "<i8", len(d)
		put = func(b []byte, from, to int) []byte {
			for _, v := range d[from:to] {
				b = le.AppendUint64(b, uint64(v))
			}
			return b
		}
	case []int32:
		descr, length = "<i4", len(d)
		put = func(b []byte, from, to int) []byte {
			for _, v := range d[from:to] {
				b = le.AppendUint32(b, uint32(v))
			}
			return b
		}
	case []uint8:
		descr, length = "|u1", len(d)
		put = func(b []byte, from, to int) []byte { return append(b, d[from:to]...) }
	case []bool:
		descr, length = "|b1", len(d)
		put = func(b []byte, from, to int) []byte {
			for _, v := range d[from:to] {
				if v {
					b = append(b, 1)
				} else {
					b = append(b, 0)
				}
			}
			return b
		}
	default:
		return fmt.Errorf("Array.Data is a %T, want one of the types that Array lists", a.Data)
	}
	if length != count {
		return fmt.Errorf("Array.Data has %d elements, want %d for shape %v", length, count, a.Shape)
	}
	if _, err := io.WriteString(w, writtenHeader(descr, a.Shape)); err != nil {
		return err
	}
	buf := make([]byte, 0, chunk)
	const step = chunk / 8
	for from := 0; from < count; from += step {
		if _, err := w.Write(put(buf, from, min(from+step, count))); err != nil {
			return err
		}
	}
	return nil
}

// writtenHeader is all that stands before the elements, version 1.
func writtenHeader(descr string, shape []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr)
	for i, n := range shape {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, n)
	}
	if len(shape) == 1 {
		b.WriteByte(',')
	}
	b.WriteString("), }")
	const before = len(magic) + 4
	length := (before + b.Len() + 1 + align - 1) / align * align
	b.WriteString(strings.Repeat(" ", length-before-b.Len()-1))
	b.WriteByte('\n')
	return magic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(b.Len()))) + b.String()
}
