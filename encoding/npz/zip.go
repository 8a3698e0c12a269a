package npz

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const suffix = ".npy"

// Reader reads the arrays of an .npz archive, one at a time.
type Reader struct {
	files  map[string]*zip.File
	names  []string
	size   int64 // of the archive
	closer io.Closer
}

// Open opens an .npz file. The Reader must be closed.
func Open(name string) (*Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("npz: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("npz: %w", err)
	}
	r, err := NewReader(f, info.Size())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.closer = f
	return r, nil
}

// NewReader reads an .npz archive of size bytes.
func NewReader(r io.ReaderAt, size int64) (*Reader, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npz: archive of %d bytes: %w", size, err)
	}
	x := &Reader{files: make(map[string]*zip.File), size: size}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, suffix)
		if !ok {
			continue // not an array
		}
		if x.files[name] != nil {
			return nil, fmt.Errorf("npz: archive has %q twice", f.Name)
		}
		x.files[name] = f
		x.names = append(x.names, name)
	}
	return x, nil
}

// Names are those of the arrays, in the order of the archive, without ".npy".
// The slice is the caller's.
func (r *Reader) Names() []string { return slices.Clone(r.names) }

// Read reads the array of that name, and checks its sum.
func (r *Reader) Read(name string) (*Array, error) {
	f := r.files[name]
	if f == nil {
		return nil, fmt.Errorf("npz: archive has no array %q, it has %q", name, r.names)
	}
	a, err := r.entry(f)
	if err != nil {
		return nil, fmt.Errorf("npz: %s: %w", f.Name, err)
	}
	return a, nil
}

func (r *Reader) entry(f *zip.File) (*Array, error) {
	size := int64(-1)
	if f.Method == zip.Store {
		// The entry's own claims: what the archive cannot hold is not there.
		at, err := f.DataOffset()
		if err != nil {
			return nil, err
		}
		if f.UncompressedSize64 != f.CompressedSize64 || f.CompressedSize64 > uint64(max(r.size-at, 0)) {
			return nil, fmt.Errorf("stored entry claims %d bytes, %d in the archive, which ends %d bytes after its start", f.UncompressedSize64, f.CompressedSize64, r.size-at)
		}
		size = int64(f.UncompressedSize64)
	}
	rc, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	a, err := read(rc, size)
	if err != nil {
		return nil, err
	}
	// Reading to the end is what compares the check sum.
	switch n, err := io.CopyN(io.Discard, rc, 1); {
	case n > 0:
		return nil, fmt.Errorf("bytes follow the last element of shape %v", a.Shape)
	case err != io.EOF:
		return nil, err
	}
	return a, nil
}

// Close closes the file that Open opened.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// Writer writes an .npz archive as a stream.
type Writer struct {
	z      *zip.Writer
	method uint16
	names  map[string]bool
}

// NewWriter returns a Writer to w, which deflates if compress is set.
func NewWriter(w io.Writer, compress bool) *Writer {
	x := &Writer{z: zip.NewWriter(w), names: make(map[string]bool)}
	if compress {
		x.method = zip.Deflate
	}
	return x
}

// Write adds an array.
func (w *Writer) Write(name string, a *Array) error {
	if name == "" || w.names[name] {
		return fmt.Errorf("npz: writing: name %q, want one that is neither empty nor written before", name)
	}
	w.names[name] = true
	entry, err := w.z.CreateHeader(&zip.FileHeader{Name: name + suffix, Method: w.method})
	if err != nil {
		return fmt.Errorf("npz: writing %s: %w", name, err)
	}
	if err := write(entry, a); err != nil {
		return fmt.Errorf("npz: writing %s: %w", name, err)
	}
	return nil
}

// Close writes the archive's directory. It does not close the underlying writer.
func (w *Writer) Close() error {
	if err := w.z.Close(); err != nil {
		return fmt.Errorf("npz: writing: %w", err)
	}
	return nil
}

// ReadFile reads all arrays of an .npz file.
func ReadFile(name string) (map[string]*Array, error) {
	r, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	arrays := make(map[string]*Array, len(r.names))
	for _, key := range r.names {
		if arrays[key], err = r.Read(key); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return arrays, nil
}

// WriteFile writes an .npz file, not compressed, under a temporary name in the
// same directory and renames it: the file is whole or not there.
func WriteFile(name string, arrays map[string]*Array) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	w := NewWriter(f, false)
	for _, key := range slices.Sorted(maps.Keys(arrays)) {
		if err := w.Write(key, arrays[key]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := f.Chmod(0o644); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	return nil
}
