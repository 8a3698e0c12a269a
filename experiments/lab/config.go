package lab

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gomlx/compute"
	"github.com/optnet-go/optnet/gomlx"
	"github.com/optnet-go/optnet/qp"
)

// Config is what every experiment can be told. Zero fields mean the defaults,
// which the experiment names, except that an empty Out writes nothing.
type Config struct {
	Nets    []string  // to train, one after the other
	Seed    uint64    // of the first parameters, and of the order of examples where it is random
	Epochs  int       // passes over the training set
	Batch   int       // examples in a batch
	LR      float64   // learning rate of Adam
	Data    string    // file or folder of the data
	Backend string    // of GoMLX: "go", the default, or another one that is linked in
	Way     gomlx.Way // how QPs are computed; [gomlx.Auto] is on the host
	Workers int       // goroutines of the QP solver; 0: GOMAXPROCS. It changes no figure.
	Engine  qp.Engine // of the QP solver; nil: the CPU
	Out     string    // folder for the files that the experiment names
	Resume  bool      // go on from the checkpoints in Out
	Header  Header    // what the caller knows; Run adds the rest

	Tolerance float64 // of the QP solver, absolute and relative; 0: its default
}

// ValueError is a value of a Config that no run can have.
type ValueError struct {
	Name  string // as the flag of the command is called: "epochs"
	Value any
	Want  string
}

func (e *ValueError) Error() string {
	if s, ok := e.Value.(string); ok {
		return fmt.Sprintf("%s is %q, want %s", e.Name, s, e.Want)
	}
	return fmt.Sprintf("%s is %v, want %s", e.Name, e.Value, e.Want)
}

// Check looks for values that no run can have; want is what a network's name has
// to be, or "" for a good one. Its error is a *ValueError.
func (c *Config) Check(want func(net string) string) error {
	for i, net := range c.Nets {
		if w := want(net); w != "" {
			return &ValueError{"net", net, w}
		}
		if slices.Contains(c.Nets[:i], net) {
			return &ValueError{"net", strings.Join(c.Nets, ","), fmt.Sprintf("each network once: %s is named twice", net)}
		}
	}
	known := compute.List()
	slices.Sort(known)
	backend, _, _ := strings.Cut(c.Backend, ":")
	switch {
	case backend != "" && !slices.Contains(known, backend):
		return &ValueError{"backend", c.Backend, "one of this program's, with options behind a colon: " + strings.Join(known, ", ") + " (xla needs a build with CGO_ENABLED=1 and -tags xla)"}
	case c.Epochs < 0:
		return &ValueError{"epochs", c.Epochs, "1 or more"}
	case c.Batch < 0:
		return &ValueError{"batch", c.Batch, "1 or more"}
	case !(c.LR >= 0) || c.LR > 1e6:
		return &ValueError{"lr", c.LR, "a positive number, or 0 for the default"}
	case c.Workers < 0:
		return &ValueError{"workers", c.Workers, "1 or more, or 0 for one a processor"}
	case c.Way > gomlx.InGraph:
		return &ValueError{"qp", c.Way, "a way of package gomlx"}
	case c.Way == gomlx.InGraph && (c.Engine != nil || c.Workers != 0):
		return &ValueError{"qp", "graph", "host for the workers and the device of the solver, which is not run in a graph"}
	case c.Resume && c.Out == "":
		return &ValueError{"out", c.Out, "the folder of the training to resume"}
	}
	return nil
}

// OneOf is for [Config.Check]: the name has to be one of those given.
func OneOf(nets []string) func(net string) string {
	return func(net string) string {
		if slices.Contains(nets, net) {
			return ""
		}
		return "one of " + strings.Join(nets, ", ")
	}
}

// QP returns the options of a layer. Its executions are counted.
func (c *Config) QP(name string, count *gomlx.Counter) *gomlx.Options {
	o := &gomlx.Options{Name: name, Way: c.Way, Solver: qp.Options{EpsAbs: c.Tolerance, EpsRel: c.Tolerance}}
	if c.Way != gomlx.InGraph {
		o.Counter, o.Solver.Engine, o.Solver.Workers = count, c.Engine, c.Workers
	}
	return o
}
