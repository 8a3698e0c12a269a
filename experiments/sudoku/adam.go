package sudoku

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/optnet-go/optnet/experiments/lab"
)

// A parameter is a learned array with a name and a shape, row-major.
type parameter struct {
	Name   string    `json:"name"`
	Shape  []int     `json:"shape"`
	Values []float64 `json:"values"`
}

// host is GoMLX's Adam for parameters whose gradient is computed outside of a
// graph. The graph holds the parameters w as variables, takes the gradients d as
// inputs, and minimizes the surrogate loss
//
//	Σ ⟨w, d⟩     with d held constant
//
// whose gradient is d.
type host struct {
	store *model.Store
	exec  *model.Exec
	vars  []*model.Variable
	grads []*tensors.Tensor
	args  []any
}

func newHost(backend compute.Backend, lr float64, ps []parameter) (*host, error) {
	store := model.NewStore()
	h := &host{store: store}
	for _, p := range ps {
		h.vars = append(h.vars, store.RootScope().VariableWithValue(p.Name, tensors.FromFlatDataAndDimensions(p.Values, p.Shape...)))
		d := tensors.FromFlatDataAndDimensions(make([]float64, len(p.Values)), p.Shape...)
		h.grads = append(h.grads, d)
		h.args = append(h.args, d)
	}
	adam := lab.NewAdam(lr)
	var err error
	h.exec, err = model.NewExec(backend, store, func(scope *model.Scope, grads []*graph.Node) *graph.Node {
		var loss *graph.Node
		for i, d := range grads {
			term := graph.ReduceAllSum(graph.Mul(h.vars[i].NodeValue(d), graph.StopGradient(d)))
			if loss == nil {
				loss = term
			} else {
				loss = graph.Add(loss, term)
			}
		}
		adam.UpdateGraph(scope, loss.Graph(), loss)
		return loss
	})
	if err != nil {
		return nil, fmt.Errorf("sudoku: building the optimizer: %w", err)
	}
	return h, nil
}

// step moves the parameters w along their gradients d.
func (h *host) step(w, d [][]float64) error {
	for i, t := range h.grads {
		if err := tensors.AssignFlatData(t, d[i]); err != nil {
			return fmt.Errorf("sudoku: optimizer step: %w", err)
		}
	}
	out, err := h.exec.Call(h.args...)
	if err != nil {
		return fmt.Errorf("sudoku: optimizer step: %w", err)
	}
	for _, t := range out {
		if err := t.FinalizeAll(); err != nil {
			return fmt.Errorf("sudoku: optimizer step: %w", err)
		}
	}
	return h.read(w)
}

// read copies the parameters to w.
func (h *host) read(w [][]float64) error {
	for i, v := range h.vars {
		if err := readVariable(w[i], v); err != nil {
			return fmt.Errorf("sudoku: optimizer step: %w", err)
		}
	}
	return nil
}

// readVariable copies a variable's value.
func readVariable(dst []float64, v *model.Variable) error {
	t, err := v.Value()
	if err != nil {
		return err
	}
	return tensors.ConstFlatData(t, func(flat []float64) { copy(dst, flat) })
}
