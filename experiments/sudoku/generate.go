package sudoku

import "math/rand/v2"

// Puzzle is a board with blanks, and its solution.
type Puzzle struct{ Puzzle, Solution Board }

// Streams of a seed, so that the data do not depend on the network.
const (
	streamData = 1 + iota
	streamParameters
)

func newRand(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// Generate makes n puzzles as the data of OptNet were made: a random solution,
// from which cells are blanked in random order while a single row, column or
// block still determines the digit. (The original script draws 0 to 3 as the
// least number of digits to keep; the rule never gets there.)
//
// The numbers come from PCG, [math/rand/v2].
func Generate(seed uint64, n int) []Puzzle {
	rng := newRand(seed, streamData)
	ps := make([]Puzzle, n)
	for i := range ps {
		s := randomSolution(rng)
		ps[i] = Puzzle{blank(rng, s), s}
	}
	return ps
}

// randomSolution fills cell by cell with a digit that is still free there, and
// starts over when there is none.
func randomSolution(rng *rand.Rand) Board {
	var b Board
	for i := 0; i < cells; i++ {
		var free []uint8
		for d := uint8(1); d <= side; d++ {
			if b.allows(i, d) {
				free = append(free, d)
			}
		}
		if len(free) == 0 {
			b, i = Board{}, -1
			continue
		}
		b[i] = free[rng.IntN(len(free))]
	}
	return b
}

// allows reports whether the rules let digit d stand in blank cell i.
func (b *Board) allows(i int, d uint8) bool {
	for _, u := range unitsOf[i] {
		for _, c := range u {
			if b[c] == d && c != i {
				return false
			}
		}
	}
	return true
}

// unitsOf lists the row, the column and the block of each cell.
var unitsOf = func() (of [cells][3]unit) {
	var n [cells]int
	for _, u := range units {
		for _, c := range u {
			of[c][n[c]] = u
			n[c]++
		}
	}
	return of
}()

// blank tries each cell once, in random order. What cannot be deduced with more
// digits on the board cannot be deduced later either.
func blank(rng *rand.Rand, b Board) Board {
	for _, i := range rng.Perm(cells) {
		if b.deducible(i) {
			b[i] = 0
		}
	}
	return b
}

// deducible reports whether, were cell i blank, one of its units alone would
// say what is in it: no other blank of that unit may hold the digit.
func (b *Board) deducible(i int) bool {
	d := b[i]
	b[i] = 0
	defer func() { b[i] = d }()
	for _, u := range unitsOf[i] {
		only := true
		for _, c := range u {
			if c != i && b[c] == 0 && b.allows(c, d) {
				only = false
			}
		}
		if only {
			return true
		}
	}
	return false
}
