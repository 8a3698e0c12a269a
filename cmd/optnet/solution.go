package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/qp"
)

// report makes the line that is printed.
func (x *solution) report(p *problem) *report {
	r := &report{File: p.file, Format: p.format, Size: x.size, Notes: p.notes, Solver: x.solver, Why: x.why, Bytes: x.bytes, Seconds: number(x.seconds), Relative: number(math.NaN())}
	switch {
	case p.rows != nil:
		r.Name, r.Variables, r.Rows = p.rows.Name, len(p.rows.Cols), len(p.rows.Rows)
	case p.cone != nil:
		r.Variables, r.Rows = len(p.cone.Q), len(p.cone.B)
	case p.cones != nil:
		r.Variables, r.Rows = p.structure.N, p.structure.A.Rows
	default:
		r.Variables, r.Rows = p.shape.N, p.shape.NEq+p.shape.NIneq
	}
	if x.answer != nil {
		x.answer.write(r)
		r.Why = x.why
		return r
	}
	r.Status = qp.Solved
	r.Counts = make(map[string]int)
	infos, values := x.elements()
	for i := range infos {
		info := &infos[i]
		r.Counts[info.Status.String()]++
		if r.Status == qp.Solved && info.Status != qp.Solved {
			r.Status, r.Reason = info.Status, info.Reason
			if x.size > 1 {
				r.Reason = strings.TrimSuffix(fmt.Sprintf("element %d: %s", i, info.Reason), ": ")
			}
		}
		v := number(values[i])
		if info.Status != qp.Solved && info.Status != qp.AlmostSolved {
			v = number(math.NaN())
		}
		r.Objectives = append(r.Objectives, v)
		if x.size == 1 || answers(info.Status) {
			r.Primal, r.Dual, r.Gap = max(r.Primal, number(info.Primal)), max(r.Dual, number(info.Dual)), max(r.Gap, number(info.Gap))
		}
		r.Iterations, r.Retries = max(r.Iterations, info.Iterations), max(r.Retries, info.Retries)
	}
	for _, a := range x.answers {
		if answers(a.status) && !(a.relative <= float64(r.Relative)) { // NaN is no number yet
			r.Relative = number(a.relative)
		}
	}
	r.Objective = number(math.NaN())
	if x.size == 1 {
		r.Objective, r.Objectives, r.Counts = r.Objectives[0], nil, nil
	}
	return r
}

// answers says whether an element that ended so has a point that means something.
func answers(st qp.Status) bool { return st == qp.Solved || st == qp.AlmostSolved }

// elements are how the elements of a batch ended, and their objectives.
func (x *solution) elements() (infos []qp.Info, values []float64) {
	if x.batch != nil {
		return x.batch.Info, x.batch.Value
	}
	for _, a := range x.answers {
		infos = append(infos, qp.Info{Status: a.status, Iterations: a.iterations, Retries: a.tries, Primal: a.primal, Dual: a.dual, Gap: a.gap, Reason: a.reason})
		values = append(values, a.objective)
	}
	return infos, values
}

// numbers is a list of floats in JSON.
type numbers []float64

func (x numbers) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, v := range x {
		if i > 0 {
			b = append(b, ',')
		}
		t, _ := number(v).MarshalJSON()
		b = append(b, t...)
	}
	return append(b, ']'), nil
}

// solutionFile is a solution as JSON. Which arrays are there depends on the
// problem: x, y and mu with names for a file with rows; x, z and s for a cone
// program; z, nu, lambda and mu, one list an element, for dense QPs.
type solutionFile struct {
	File      string    `json:"file"`
	Status    any       `json:"status"`
	Objective any       `json:"objective"`
	Columns   []string  `json:"columns,omitempty"`
	Rows      []string  `json:"rows,omitempty"`
	X         any       `json:"x,omitempty"`
	Y         numbers   `json:"y,omitempty"`
	Mu        any       `json:"mu,omitempty"`
	Z         any       `json:"z,omitempty"`
	S         any       `json:"s,omitempty"`
	Nu        []numbers `json:"nu,omitempty"`
	Lambda    []numbers `json:"lambda,omitempty"`
	Ray       *rayFile  `json:"ray,omitempty"`
	Rays      []rayFile `json:"rays,omitempty"`
}

// rayFile is a proof: y and mu (of a cone program z) that no point is feasible,
// or a direction x (z for dense QPs) without bound.
type rayFile struct {
	X      numbers `json:"x,omitempty"`
	Y      numbers `json:"y,omitempty"`
	Mu     numbers `json:"mu,omitempty"`
	Z      numbers `json:"z,omitempty"`
	Nu     numbers `json:"nu,omitempty"`
	Lambda numbers `json:"lambda,omitempty"`
}

// save writes the solution, and returns the name of the file.
func (x *solution) save(p *problem, name string) (_ string, err error) {
	defer func() {
		var path *os.PathError // it names a temporary file
		if errors.As(err, &path) {
			err = &fileError{file: name, err: fmt.Errorf("the solution cannot be written: %w", path.Err)}
		}
	}()
	if strings.HasSuffix(name, ".npz") {
		return name, npz.WriteFile(name, x.arrays(p))
	}
	if !strings.HasSuffix(name, ".json") {
		return "", usagef("--out is %q, want a name that ends in .json or .npz, or a folder", name)
	}
	text, err := json.Marshal(x.content(p))
	if err != nil {
		return "", err
	}
	return name, writeFile(name, append(text, '\n'))
}

func (x *solution) content(p *problem) *solutionFile {
	f := &solutionFile{File: p.file}
	a := x.answer
	if x.answers != nil {
		x.coneContent(f)
		return f
	}
	if a == nil {
		b := x.batch
		var objective []number
		var status []qp.Status
		for i := range b.Info {
			status = append(status, b.Info[i].Status)
			objective = append(objective, number(b.Value[i]))
			var r rayFile
			if st := b.Info[i].Status; st == qp.PrimalInfeasible || st == qp.DualInfeasible {
				r = rayFile{Z: element(b.Rays.Z, i, x.size), Nu: element(b.Rays.Nu, i, x.size), Lambda: element(b.Rays.Lambda, i, x.size), Mu: element(b.Rays.Mu, i, x.size)}
				if st == qp.PrimalInfeasible {
					r.Z = nil
				} else {
					r.Nu, r.Lambda, r.Mu = nil, nil, nil
				}
				if f.Rays == nil {
					f.Rays = make([]rayFile, x.size)
				}
				f.Rays[i] = r
			}
		}
		f.Status, f.Objective = status, objective
		f.Z, f.Nu, f.Lambda, f.Mu = perElement(b.Z, x.size), perElement(b.Nu, x.size), perElement(b.Lambda, x.size), perElement(b.Mu, x.size)
		return f
	}
	f.Status, f.Objective, f.X = a.status, number(a.objective), numbers(a.x)
	if p.rows != nil {
		f.Columns, f.Rows, f.Y, f.Mu = p.rows.Cols, p.rows.Rows, a.rows, numbers(a.cols)
	} else {
		f.Z, f.S = numbers(a.z), numbers(a.s)
	}
	switch {
	case a.status == qp.PrimalInfeasible && p.rows != nil && a.rayY != nil:
		f.Ray = &rayFile{Y: a.rayY, Mu: a.rayMu}
	case a.status == qp.PrimalInfeasible && a.rayY != nil:
		f.Ray = &rayFile{Z: a.rayY}
	case a.status == qp.DualInfeasible:
		f.Ray = &rayFile{X: a.rayX}
	}
	return f
}

// coneContent is that of a batch of cone programs.
func (x *solution) coneContent(f *solutionFile) {
	var status []qp.Status
	var objective []number
	var xs, zs, ss []numbers
	for i, a := range x.answers {
		status, objective = append(status, a.status), append(objective, number(a.objective))
		xs, zs, ss = append(xs, a.x), append(zs, a.z), append(ss, a.s)
		if a.rayX != nil || a.rayY != nil {
			if f.Rays == nil {
				f.Rays = make([]rayFile, x.size)
			}
			f.Rays[i] = rayFile{X: a.rayX, Z: a.rayY}
		}
	}
	f.Status, f.Objective, f.X, f.Z, f.S = status, objective, xs, zs, ss
}

func element(x []float64, i, size int) numbers {
	n := len(x) / max(size, 1)
	return numbers(x[i*n : (i+1)*n])
}

func perElement(x []float64, size int) []numbers {
	out := make([]numbers, size)
	for i := range out {
		out[i] = element(x, i, size)
	}
	return out
}

// arrays is the solution for numpy; status is the number of the word in the order
// of qp.Status.
func (x *solution) arrays(p *problem) map[string]*npz.Array {
	out := make(map[string]*npz.Array)
	if a := x.answer; a != nil {
		for name, v := range map[string][]float64{"x": a.x, "y": a.rows, "mu": a.cols, "z": a.z, "s": a.s, "ray_x": a.rayX, "ray_y": a.rayY, "ray_mu": a.rayMu} {
			if v != nil {
				out[name] = &npz.Array{Shape: []int{len(v)}, Data: v}
			}
		}
		out["status"] = &npz.Array{Data: []uint8{uint8(a.status)}}
		out["objective"] = &npz.Array{Data: []float64{a.objective}}
		return out
	}
	status := make([]uint8, x.size)
	put := func(name string, v []float64) {
		if x.size > 0 {
			out[name] = &npz.Array{Shape: []int{x.size, len(v) / x.size}, Data: v}
		}
	}
	if x.answers != nil {
		fields := map[string]func(a *answer) []float64{
			"x": func(a *answer) []float64 { return a.x }, "z": func(a *answer) []float64 { return a.z }, "s": func(a *answer) []float64 { return a.s },
			"ray_x": func(a *answer) []float64 { return a.rayX }, "ray_z": func(a *answer) []float64 { return a.rayY },
		}
		lens := map[string]int{"x": len(p.structure.A.ColPtr) - 1, "z": p.structure.A.Rows, "s": p.structure.A.Rows}
		var objective []float64
		for name, of := range fields {
			n := lens[strings.TrimPrefix(name, "ray_")]
			all := make([]float64, x.size*n)
			for i, a := range x.answers {
				copy(all[i*n:(i+1)*n], of(a))
			}
			put(name, all)
		}
		for i, a := range x.answers {
			status[i] = uint8(a.status)
			objective = append(objective, a.objective)
		}
		out["status"] = &npz.Array{Shape: []int{x.size}, Data: status}
		out["objective"] = &npz.Array{Shape: []int{x.size}, Data: objective}
		return out
	}
	b := x.batch
	put("z", b.Z)
	put("nu", b.Nu)
	put("lambda", b.Lambda)
	put("mu", b.Mu)
	put("ray_z", b.Rays.Z)
	put("ray_nu", b.Rays.Nu)
	put("ray_lambda", b.Rays.Lambda)
	put("ray_mu", b.Rays.Mu)
	for i := range status {
		status[i] = uint8(b.Info[i].Status)
	}
	out["status"] = &npz.Array{Shape: []int{x.size}, Data: status}
	out["objective"] = &npz.Array{Shape: []int{x.size}, Data: b.Value}
	return out
}
