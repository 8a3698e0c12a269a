// Package ingraph is a batch of quadratic programs made of operations of a GoMLX graph.
package ingraph

import (
	"errors"

	"github.com/optnet-go/optnet/qp"
)

// QP adds the programs to the graph of their data.
func QP(d Data, opt *qp.Options) (*Solution, error) {
	return nil, errors.New("ingraph: not there yet")
}
