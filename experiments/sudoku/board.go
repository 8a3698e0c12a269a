package sudoku

import (
	"fmt"
	"strings"
)

const (
	side   = 4           // rows, columns, blocks, and digits
	block  = 2           // rows and columns of a block
	cells  = side * side // of a board
	inputs = cells * side
)

// Board is a 4×4 Sudoku, row by row: digits 1 to 4, and 0 for a blank.
type Board [cells]uint8

// A unit is the four cells of a row, a column or a block.
type unit [side]int

var units = func() (u [3 * side]unit) {
	for k := range side {
		for i := range side {
			u[k][i] = k*side + i
			u[side+k][i] = i*side + k
			u[2*side+k][i] = (k/block*block+i/block)*side + k%block*block + i%block
		}
	}
	return u
}()

// ParseBoard reads 16 characters, row by row: 1 to 4, and 0 or a dot for a blank.
func ParseBoard(s string) (Board, error) {
	var b Board
	if len(s) != cells {
		return b, fmt.Errorf("board %q has %d characters, want %d: a 4×4 board, row by row", clip(s), len(s), cells)
	}
	for i := range b {
		switch c := s[i]; {
		case c >= '0' && c <= '0'+side:
			b[i] = c - '0'
		case c == '.':
		default:
			return b, fmt.Errorf("board %q has %q in row %d, column %d, want 1 to %d, or 0 or a dot for a blank", s, c, i/side+1, i%side+1, side)
		}
	}
	return b, nil
}

// clip shortens what is quoted in a message.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// String is the inverse of ParseBoard, with 0 for a blank.
func (b Board) String() string {
	var s [cells]byte
	for i, d := range b {
		s[i] = '0' + d
	}
	return string(s[:])
}

// Grid draws the board in five lines, with a dot for a blank.
func (b Board) Grid() string {
	var s strings.Builder
	for r := range side {
		if r == block {
			s.WriteString("----+----\n")
		}
		for c := range side {
			switch {
			case c == block:
				s.WriteString(" | ")
			case c > 0:
				s.WriteByte(' ')
			}
			if d := b[r*side+c]; d == 0 {
				s.WriteByte('.')
			} else {
				s.WriteByte('0' + d)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// Valid reports whether every row, column and block has each digit once.
func (b Board) Valid() bool {
	for _, u := range units {
		seen := 0
		for _, c := range u {
			seen |= 1 << b[c]
		}
		if seen != 1<<(side+1)-2 {
			return false
		}
	}
	return true
}

// Keeps reports whether b has all the digits of puzzle where they were.
func (b Board) Keeps(puzzle Board) bool {
	for i, d := range puzzle {
		if d != 0 && b[i] != d {
			return false
		}
	}
	return true
}

// Solves reports whether b is a solution of puzzle.
func (b Board) Solves(puzzle Board) bool { return b.Valid() && b.Keeps(puzzle) }

// encode adds value to the entries of x, one for each cell and digit, that the
// digits of b name.
func (b Board) encode(x []float64, value float64) {
	for i, d := range b {
		if d != 0 {
			x[i*side+int(d)-1] += value
		}
	}
}

// decode takes for each cell the digit with the largest entry, the first of
// equals.
func decode(x []float64) (b Board) {
	for i := range b {
		best := 0
		for d, v := range x[i*side : i*side+side] {
			if v > x[i*side+best] {
				best = d
			}
		}
		b[i] = uint8(best) + 1
	}
	return b
}
