package sudoku

import (
	"slices"
	"testing"
)

// solutions counts the ways to fill in b, up to 2.
func solutions(b *Board, from int) int {
	for from < cells && b[from] != 0 {
		from++
	}
	if from == cells {
		return 1
	}
	n := 0
	for d := uint8(1); d <= side && n < 2; d++ {
		if b.allows(from, d) {
			b[from] = d
			n += solutions(b, from+1)
			b[from] = 0
		}
	}
	return n
}

func TestGenerate(t *testing.T) {
	ps := Generate(7, 4000)
	if !slices.Equal(ps[:100], Generate(7, 100)) {
		t.Error("the first puzzles depend on how many there are")
	}
	if slices.Equal(ps[:100], Generate(8, 100)) {
		t.Error("another seed gives the same puzzles")
	}
	givens := map[int]int{}
	distinct := map[Board]bool{}
	for i, p := range ps {
		if !p.Solution.Valid() || !p.Solution.Keeps(p.Puzzle) {
			t.Fatalf("puzzle %d: %v has solution %v", i, p.Puzzle, p.Solution)
		}
		b := p.Puzzle
		if n := solutions(&b, 0); n != 1 {
			t.Fatalf("puzzle %d: %v has more than one solution", i, p.Puzzle)
		}
		n := 0
		for c, d := range p.Puzzle {
			if d != 0 {
				n++
				if b.deducible(c) {
					t.Errorf("puzzle %d: %v: cell %d could be blanked", i, p.Puzzle, c)
				}
			}
		}
		givens[n]++
		distinct[p.Solution] = true
	}
	if len(distinct) != 288 {
		t.Errorf("%d different solutions, want all 288", len(distinct))
	}
	// The paper's set has 4 to 8 digits given: 13.6, 55.5, 28.6, 2.2, 0.1 %.
	if givens[4] < 400 || givens[5] < 2000 || givens[6] < 900 || givens[4]+givens[5]+givens[6]+givens[7]+givens[8] != len(ps) {
		t.Errorf("givens: %v", givens)
	}
}

func TestDeducible(t *testing.T) {
	// In the last row only the last cell is blank; the block of the first cell
	// and its row and column leave a choice.
	b := board(t, "1000000000003142")
	if !b.deducible(15) {
		t.Error("the last cell of a full row cannot be deduced")
	}
	if b.deducible(0) {
		t.Error("the first cell can be deduced")
	}
}
