package main

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
)

// number is a float64 in JSON: null where JSON has no word for it.
type number float64

func (x number) MarshalJSON() ([]byte, error) {
	if v := float64(x); !math.IsNaN(v) && !math.IsInf(v, 0) {
		return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
	}
	return []byte("null"), nil
}

func (x *number) UnmarshalJSON(b []byte) error {
	var v *float64
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*x = number(math.NaN())
	if v != nil {
		*x = number(*v)
	}
	return nil
}

// A report is what "solve --json" prints of a file. Its names are a contract, and
// docs/COMMAND.md explains them. Of a batch the residuals and iterations are the
// largest, the status is that of the first element that is not Solved, and the
// objectives are in a list.
type report struct {
	File       string         `json:"file"`
	Name       string         `json:"name,omitempty"`
	Format     string         `json:"format"`
	Variables  int            `json:"variables"`
	Rows       int            `json:"rows"`
	Size       int            `json:"size"`
	Status     qp.Status      `json:"status"`
	Objective  number         `json:"objective"`
	Objectives []number       `json:"objectives,omitempty"`
	Primal     number         `json:"primal_residual"`
	Dual       number         `json:"dual_residual"`
	Gap        number         `json:"gap"`
	Relative   number         `json:"relative_residual"`
	Iterations int            `json:"iterations"`
	Retries    int            `json:"retries"`
	Seconds    number         `json:"seconds"`
	ReadTime   number         `json:"read_seconds"`
	Solver     string         `json:"solver"`
	Why        string         `json:"why"`
	Reason     string         `json:"reason,omitempty"`
	Bytes      int64          `json:"bytes,omitempty"`
	Counts     map[string]int `json:"counts,omitempty"`
	Notes      []string       `json:"notes,omitempty"`
	Solution   string         `json:"solution,omitempty"`
}

// An answer is how one problem ended, in the terms of its file.
type answer struct {
	status            qp.Status
	objective         float64
	primal, dual, gap float64
	relative          float64 // largest residual over its scale; NaN where it is not known
	iterations, tries int
	reason            string
	solver, why       string
	x, rows, cols     []float64      // of a problem with rows: solution
	z, s              []float64      // of a cone program, with x
	rayX, rayY, rayMu []float64      // proof of infeasibility; rayY is z of a cone program
	measured          *mps.Residuals // of a problem with rows
	bytes             int64
	seconds           float64
}

// write puts an answer into a report.
func (a *answer) write(r *report) {
	r.Status, r.Objective = a.status, number(a.objective)
	r.Primal, r.Dual, r.Gap, r.Relative = number(a.primal), number(a.dual), number(a.gap), number(a.relative)
	r.Iterations, r.Retries, r.Reason = a.iterations, a.tries, a.reason
	r.Solver, r.Why, r.Bytes, r.Seconds = a.solver, a.why, a.bytes, number(a.seconds)
	if a.status != qp.Solved && a.status != qp.AlmostSolved && (a.status == qp.PrimalInfeasible || a.status == qp.DualInfeasible || a.status == qp.InvalidInput) {
		r.Objective = number(math.NaN()) // the point has no meaning
	}
}
