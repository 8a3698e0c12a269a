package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/optnet-go/optnet/encoding/npz"
)

// boards is what became of the puzzles of one file.
type boards struct {
	Name            string
	Puzzles, Solved int // QPs
	Right           int // boards that come out as they are known to
	Seconds         float64
	Counts          map[string]int // of the statuses
}

// maxBoards bounds the 9×9 puzzles of a file: a tenth of a second each.
const maxBoards = 25

// sudoku solves puzzles as QPs: z is 1 where a cell has a digit, minimize 0.05·‖z‖²
// subject to the rules, Az = 1, and to the given digits as bounds. It is the
// relaxation without integers: where that has one point, the puzzle is solved.
func sudoku(ctx context.Context, o *options, st *state) error {
	for _, pattern := range []string{"sudoku/optnet4x4/*", "sudoku/9x9/*"} {
		files, err := filepath.Glob(filepath.Join(o.data, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			name := filepath.Base(file)
			if !strings.Contains(name, ".csv") || !o.chosen("sudoku", name) {
				continue
			}
			lines, err := puzzles(file)
			if err != nil {
				return err
			}
			if len(lines) == 0 {
				continue
			}
			b, err := solveBoards(ctx, o, lines)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			b.Name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".csv")
			fmt.Fprintf(os.Stderr, "%-24s %d of %d QPs solved, %d boards; %v\n", b.Name, b.Solved, b.Puzzles, b.Right, b.Counts)
			st.Boards = append(slices.DeleteFunc(st.Boards, func(o boards) bool { return o.Name == b.Name }), *b)
		}
	}
	return nil
}

// puzzles reads lines puzzle,solution.
func puzzles(file string) ([][2]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	var out [][2]string
	for in := bufio.NewScanner(r); in.Scan(); {
		p, s, ok := strings.Cut(strings.TrimSpace(in.Text()), ",")
		if s, _, _ = strings.Cut(s, ","); !ok || len(p) != len(s) || len(p) != 16 && len(p) != 81 {
			continue
		}
		if out = append(out, [2]string{p, s}); len(p) == 81 && len(out) == maxBoards {
			break
		}
	}
	return out, nil
}

func solveBoards(ctx context.Context, o *options, lines [][2]string) (*boards, error) {
	cells := len(lines[0][0])
	k := 4 // digits
	block := 2
	if cells == 81 {
		k, block = 9, 3
	}
	n := cells * k
	rules := make([][]int, 0, 4*k*k) // rows of A
	for c := range cells {
		var cell []int
		for d := range k {
			cell = append(cell, c*k+d)
		}
		rules = append(rules, cell)
	}
	for u := range k {
		for d := range k {
			var row, col, box []int
			for t := range k {
				row = append(row, (u*k+t)*k+d)
				col = append(col, (t*k+u)*k+d)
				box = append(box, ((u/block*block+t/block)*k+u%block*block+t%block)*k+d)
			}
			rules = append(rules, row, col, box)
		}
	}
	a := make([]float64, len(rules)*n)
	b := make([]float64, len(rules))
	for i, r := range rules {
		b[i] = 1
		for _, j := range r {
			a[i*n+j] = 1
		}
	}
	q, p := make([]float64, n), make([]float64, n)
	for j := range q {
		q[j] = 0.1
	}
	l := make([]float64, len(lines)*n)
	for i, line := range lines {
		for c := range cells {
			if d := line[0][c]; d >= '1' && d <= '9' {
				l[i*n+c*k+int(d-'1')] = 1
			}
		}
	}
	in, out := filepath.Join(o.work, "boards.npz"), filepath.Join(o.work, "boards-solution.npz")
	if err := npz.WriteFile(in, map[string]*npz.Array{
		"Qdiag": vector(q), "p": vector(p), "A": {Shape: []int{len(rules), n}, Data: a}, "b": vector(b), "l": {Shape: []int{len(lines), n}, Data: l},
	}); err != nil {
		return nil, err
	}
	var r struct {
		result
		Counts map[string]int
	}
	if err := call(ctx, o, &r, "solve", "--json", "--out", out, in); err != nil {
		return nil, err
	}
	if r.Error != "" {
		return nil, fmt.Errorf("%s", r.Error)
	}
	arrays, err := npz.ReadFile(out)
	if err != nil {
		return nil, err
	}
	z, err := arrays["z"].Float64s()
	if err != nil {
		return nil, err
	}
	res := &boards{Puzzles: len(lines), Solved: r.Counts["Solved"], Seconds: *r.Seconds, Counts: r.Counts}
	for i, line := range lines {
		right := true
		for c := range cells {
			best := 0
			for d := range k {
				if z[i*n+c*k+d] > z[i*n+c*k+best] {
					best = d
				}
			}
			right = right && byte('1'+best) == line[1][c]
		}
		if right {
			res.Right++
		}
	}
	return res, nil
}
