package gomlx

import (
	"sync"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/train/metric"
	"github.com/optnet-go/optnet/qp"
)

// Counts are sums over the executions of layers.
type Counts struct {
	Batches  int // solves
	Elements int // of all batches
	// Status counts elements by how they ended. What is neither Solved nor AlmostSolved
	// is Unsolved: it has no answer and no gradient.
	Status     map[qp.Status]int
	Unsolved   int
	Iterations int // of all elements

	Gradients int // elements that a derivative was asked for
	Zeroed    int // of these, with a gradient of zero by rule
	NotUnique int // of these, with a convention in place of a derivative

	Solve, Derive time.Duration // spent in the solver
}

// Counter counts how elements of layers end. Its zero value is ready; it is safe for
// concurrent use, and must not be copied.
type Counter struct {
	mu sync.Mutex
	c  Counts
}

// Counts returns what was counted since the last Reset.
func (c *Counter) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.c
	n.Status = make(map[qp.Status]int, len(c.c.Status))
	for s, k := range c.c.Status {
		n.Status[s] = k
	}
	return n
}

// Reset returns the counts and sets them to zero, at the end of an epoch for example.
func (c *Counter) Reset() Counts {
	n := c.Counts()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.c = Counts{}
	return n
}

func (c *Counter) solved(info []qp.Info, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c.Status == nil {
		c.c.Status = make(map[qp.Status]int)
	}
	c.c.Batches++
	c.c.Elements += len(info)
	c.c.Solve += d
	for i := range info {
		s := info[i].Status
		c.c.Status[s]++
		if !answered(s) {
			c.c.Unsolved++
		}
		c.c.Iterations += info[i].Iterations
	}
}

func (c *Counter) derived(certs []qp.Certificate, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.c.Gradients += len(certs)
	c.c.Derive += d
	for i := range certs {
		switch {
		case certs[i].Zeroed:
			c.c.Zeroed++
		case !certs[i].Unique:
			c.c.NotUnique++
		}
	}
}

// answered reports whether a status comes with an answer and a gradient.
func answered(s qp.Status) bool { return s == qp.Solved || s == qp.AlmostSolved }

// NewUnsolvedMetric returns a metric for trainers: the part of the elements that have
// no answer, from 0 to 1, over all batches of an evaluation. The model has to return the
// Status of the layer among its predictions, at the index given.
func NewUnsolvedMetric(prediction int) *metric.MeanMetric {
	return metric.NewMeanMetric("Unsolved QPs", "unsolved", "unsolved",
		func(_ *model.Scope, _, predictions []*graph.Node) *graph.Node {
			s := Solution{Status: predictions[prediction], Z: predictions[0]}
			return s.Unsolved()
		}, nil)
}
