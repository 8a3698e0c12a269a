package npz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	magic = "\x93NUMPY"
	// maxHeader bounds the dictionary. The longest legal one, 64 dimensions of
	// 19 digits, has some 1,500 bytes; NumPy pads to 64.
	maxHeader = 1 << 16
	// align is what the length of magic, version, length and dictionary is
	// padded to.
	align = 64
)

// header is the dictionary of an .npy file.
type header struct {
	descr   string
	fortran bool
	shape   []int
	end     int64 // offset of the first element
}

// readHeader reads up to the first element.
func readHeader(r io.Reader) (*header, error) {
	var pre [12]byte
	if n, err := io.ReadFull(r, pre[:8]); err != nil {
		return nil, short(err, int64(n), "the magic string and version have 8 bytes")
	}
	if string(pre[:6]) != magic {
		return nil, &FormatError{0, fmt.Sprintf("got %q, want the magic string %q: not an .npy file", pre[:6], magic)}
	}
	major, minor := pre[6], pre[7]
	var length, at int64
	switch major {
	case 1:
		n, err := io.ReadFull(r, pre[8:10])
		if err != nil {
			return nil, short(err, 8+int64(n), "the header's length has 2 bytes in version 1")
		}
		length, at = int64(binary.LittleEndian.Uint16(pre[8:])), 10
	case 2, 3:
		n, err := io.ReadFull(r, pre[8:12])
		if err != nil {
			return nil, short(err, 8+int64(n), "the header's length has 4 bytes in versions 2 and 3")
		}
		length, at = int64(binary.LittleEndian.Uint32(pre[8:])), 12
	default:
		return nil, &FormatError{6, fmt.Sprintf("version %d.%d, want 1, 2 or 3", major, minor)}
	}
	if length > maxHeader {
		return nil, &FormatError{8, fmt.Sprintf("header of %d bytes, want at most %d", length, maxHeader)}
	}
	text := make([]byte, length)
	if n, err := io.ReadFull(r, text); err != nil {
		return nil, short(err, at+int64(n), fmt.Sprintf("the header has %d bytes", length))
	}
	p := parser{text: string(text), base: at}
	h, err := p.dict()
	if err != nil {
		return nil, err
	}
	h.end = at + length
	return h, nil
}

// short is the error of a read that ended early.
func short(err error, at int64, want string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &FormatError{at, "the input ends here, but " + want}
	}
	return fmt.Errorf("at byte %d: %w", at, err)
}

// parser reads the one dictionary of Python literals that a header is.
type parser struct {
	text string
	base int64 // offset of text
	i    int
}

func (p *parser) errorf(format string, args ...any) error {
	return &FormatError{p.base + int64(p.i), "header: " + fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.i < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.i]) >= 0 {
		p.i++
	}
}

// got is what stands at the parser's place, for messages.
func (p *parser) got() string {
	if p.i >= len(p.text) {
		return "the header's end"
	}
	return strconv.Quote(p.text[p.i:min(p.i+12, len(p.text))])
}

// next takes c, after white space, if it is there.
func (p *parser) next(c byte) bool {
	p.space()
	if p.i < len(p.text) && p.text[p.i] == c {
		p.i++
		return true
	}
	return false
}

func (p *parser) dict() (*header, error) {
	var h header
	var seen [3]bool
	keys := [3]string{"descr", "fortran_order", "shape"}
	if !p.next('{') {
		return nil, p.errorf("got %s, want a dictionary", p.got())
	}
	for !p.next('}') {
		at := p.i
		key, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if !p.next(':') {
			return nil, p.errorf("got %s, want ':' after key %q", p.got(), key)
		}
		k := -1
		for i, name := range keys {
			if name == key {
				k = i
			}
		}
		switch {
		case k < 0:
			p.i = at
			return nil, p.errorf("unknown key %q, want %q", key, keys)
		case seen[k]:
			p.i = at
			return nil, p.errorf("key %q is there twice", key)
		case k == 0:
			p.space()
			if p.i < len(p.text) && p.text[p.i] == '[' {
				return nil, p.errorf("the elements are records, want plain numbers")
			}
			h.descr, err = p.quoted()
		case k == 1:
			h.fortran, err = p.boolean()
		case k == 2:
			h.shape, err = p.tuple()
		}
		if err != nil {
			return nil, err
		}
		seen[k] = true
		if !p.next(',') {
			if !p.next('}') {
				return nil, p.errorf("got %s, want ',' or '}'", p.got())
			}
			break
		}
	}
	p.space()
	if p.i < len(p.text) {
		return nil, p.errorf("got %s after the dictionary, want spaces", p.got())
	}
	for i, name := range keys {
		if !seen[i] {
			return nil, p.errorf("key %q is missing", name)
		}
	}
	return &h, nil
}

// quoted takes a string in either kind of quotes; escapes have no use here.
func (p *parser) quoted() (string, error) {
	p.space()
	if p.i < len(p.text) && (p.text[p.i] == '\'' || p.text[p.i] == '"') {
		if n := strings.IndexByte(p.text[p.i+1:], p.text[p.i]); n >= 0 {
			s := p.text[p.i+1 : p.i+1+n]
			p.i += n + 2
			return s, nil
		}
	}
	return "", p.errorf("got %s, want a string in quotes", p.got())
}

func (p *parser) boolean() (bool, error) {
	p.space()
	for word, value := range map[string]bool{"True": true, "False": false} {
		if strings.HasPrefix(p.text[p.i:], word) {
			p.i += len(word)
			return value, nil
		}
	}
	return false, p.errorf("got %s, want True or False", p.got())
}

// tuple takes a tuple of dimensions. Python 2 wrote 3L for a long 3.
func (p *parser) tuple() ([]int, error) {
	if !p.next('(') {
		return nil, p.errorf("got %s, want a tuple of dimensions", p.got())
	}
	shape := []int{}
	for !p.next(')') {
		p.space()
		start := p.i
		for p.i < len(p.text) && '0' <= p.text[p.i] && p.text[p.i] <= '9' {
			p.i++
		}
		digits := p.text[start:p.i]
		if digits == "" {
			return nil, p.errorf("got %s, want a dimension, 0 or more", p.got())
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			p.i = start
			return nil, p.errorf("dimension %s is no int", digits)
		}
		if len(shape) == maxDims {
			return nil, p.errorf("more than %d dimensions", maxDims)
		}
		shape = append(shape, n)
		if p.i < len(p.text) && p.text[p.i] == 'L' {
			p.i++
		}
		comma := p.next(',')
		if p.next(')') {
			if !comma && len(shape) == 1 {
				return nil, p.errorf("(%d) is a number, want a tuple: (%d,)", n, n)
			}
			return shape, nil
		}
		if !comma {
			return nil, p.errorf("got %s, want ',' or ')'", p.got())
		}
	}
	return shape, nil
}
