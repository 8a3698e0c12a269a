package lab

import "github.com/optnet-go/optnet/gomlx"

// Counts are of the QPs of a network that did not end well: unsolved, or with
// reduced accuracy; or whose gradient is zero by rule, or a convention where no
// derivative exists.
type Counts struct {
	Unsolved     int `json:"unsolved"`
	AlmostSolved int `json:"almost_solved"`
	Zeroed       int `json:"zeroed"`
	NotUnique    int `json:"not_unique"`
}

// Add adds.
func (c *Counts) Add(d Counts) {
	c.Unsolved += d.Unsolved
	c.AlmostSolved += d.AlmostSolved
	c.Zeroed += d.Zeroed
	c.NotUnique += d.NotUnique
}

// derived takes from a counter how many gradients were zero by rule, or a
// convention, and sets it to zero. Nil counts nothing.
func derived(c *gomlx.Counter) (zeroed, notUnique int) {
	if c == nil {
		return 0, 0
	}
	n := c.Reset()
	return n.Zeroed, n.NotUnique
}
