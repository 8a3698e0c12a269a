package mnist

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/optnet-go/optnet/experiments/lab"
)

// An image has Side × Side pixels, row by row, a byte each.
const (
	Side    = 28
	Pixels  = Side * Side
	Classes = 10
)

// The IDX format: two bytes of zero, the type of the elements, the number of
// dimensions, each dimension as a big-endian uint32, the elements row-major.
const (
	typeUint8 = 0x08
	maxItems  = 1 << 24 // more than this is not a set of this kind
)

// Images are pictures with their classes, if these are known.
type Images struct {
	Pixels []uint8 // Pixels for each
	Labels []uint8
}

// Len is the number of images.
func (s *Images) Len() int { return len(s.Pixels) / Pixels }

// ReadImages reads images from an IDX file, compressed by gzip or not.
func ReadImages(name string) ([]uint8, error) {
	_, data, err := readIDX(name, Side, Side)
	return data, err
}

// readLabels reads classes from an IDX file.
func readLabels(name string) ([]uint8, error) {
	_, data, err := readIDX(name)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(data, func(c uint8) bool { return c >= Classes }); i >= 0 {
		return nil, &lab.FileError{File: name, Err: fmt.Errorf("label %d is %d, want 0 to %d", i, data[i], Classes-1)}
	}
	return data, nil
}

// readIDX reads a file of items of a given size.
func readIDX(name string, size ...int) (items int, data []uint8, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, nil, lab.OfFile(name, err)
	}
	defer f.Close()
	if items, data, err = parseIDX(f, size...); err != nil {
		return 0, nil, lab.OfFile(name, err)
	}
	return items, data, nil
}

func parseIDX(f io.Reader, size ...int) (items int, data []uint8, err error) {
	r := bufio.NewReader(f)
	if magic, _ := r.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return 0, nil, truncated(err)
		}
		defer z.Close()
		r = bufio.NewReader(z)
	}
	dims := make([]uint32, 1+len(size))
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, truncated(err)
	}
	if head[0] != 0 || head[1] != 0 || head[2] != typeUint8 || int(head[3]) != len(dims) {
		return 0, nil, fmt.Errorf("the file starts with the bytes % x, want % x: an IDX file of bytes with %d dimensions", head, []byte{0, 0, typeUint8, byte(len(dims))}, len(dims))
	}
	if err := binary.Read(r, binary.BigEndian, dims); err != nil {
		return 0, nil, truncated(err)
	}
	one := 1
	for i, n := range size {
		if int(dims[1+i]) != n {
			return 0, nil, fmt.Errorf("the items have the size %v, want %v", dims[1:], size)
		}
		one *= n
	}
	if dims[0] > maxItems {
		return 0, nil, fmt.Errorf("the file says it has %d items, want at most %d", dims[0], maxItems)
	}
	// Memory grows with what is there, not with what the header says.
	want := int64(dims[0]) * int64(one)
	data, err = io.ReadAll(io.LimitReader(r, want+1))
	switch {
	case err != nil:
		return 0, nil, truncated(err)
	case int64(len(data)) < want:
		return 0, nil, fmt.Errorf("the file ends after %d of the %d bytes of its %d items: it is truncated; fetch it again", len(data), want, dims[0])
	case int64(len(data)) > want:
		return 0, nil, fmt.Errorf("bytes follow the last of the %d items that the header says", dims[0])
	}
	return int(dims[0]), data, nil
}

// truncated says what a reader's error means for the file.
func truncated(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("the file ends too early (%w): it is truncated; fetch it again", err)
	}
	return err
}

// readSet reads the images and labels called train or t10k from a folder.
func readSet(dir, name string) (*Images, error) {
	pixels, err := find(dir, name+"-images", 3)
	if err != nil {
		return nil, err
	}
	labels, err := find(dir, name+"-labels", 1)
	if err != nil {
		return nil, err
	}
	s := &Images{}
	if s.Pixels, err = ReadImages(pixels); err != nil {
		return nil, err
	}
	if s.Labels, err = readLabels(labels); err != nil {
		return nil, err
	}
	if s.Len() != len(s.Labels) {
		return nil, &lab.FileError{File: labels, Err: fmt.Errorf("%d labels for the %d images of %s", len(s.Labels), s.Len(), pixels)}
	}
	if s.Len() == 0 {
		return nil, &lab.FileError{File: pixels, Err: errors.New("no image in the file")}
	}
	return s, nil
}

// find looks for a file under the names that are in use.
func find(dir, base string, dims int) (string, error) {
	first := ""
	for _, sep := range []string{"-", "."} {
		for _, suffix := range []string{"", ".gz"} {
			name := lab.Folder(dir).Join(fmt.Sprintf("%s%sidx%d-ubyte%s", base, sep, dims, suffix))
			if first == "" {
				first = name
			}
			_, err := os.Stat(name)
			if err == nil {
				return name, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return "", lab.OfFile(name, err)
			}
		}
	}
	return "", &lab.FileError{File: first, Err: errors.New("no such file, with or without .gz; want a folder with the four IDX files of MNIST or Fashion-MNIST")}
}
