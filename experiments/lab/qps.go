package lab

import (
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

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

// counted takes what a counter has, and sets it to zero. Nil counts nothing.
func counted(c *gomlx.Counter) Counts {
	if c == nil {
		return Counts{}
	}
	n := c.Reset()
	return Counts{n.Unsolved, n.Status[qp.AlmostSolved], n.Zeroed, n.NotUnique}
}
