// Command cvx is this module's side of the comparison with cvxpylayers:
//
//	cvx -models models.json -name NAME -data in.npz -out out.npz [-seconds S] [-workers N] [-difference]
//
// It solves one model for the parameters in in.npz, differentiates the sum of the
// variables' entries times the weights there, writes values, variables and
// gradients, and prints one line of JSON with times in milliseconds. compare.py
// drives it.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/encoding/npz"
	"github.com/optnet-go/optnet/layer"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cvx:", err)
		os.Exit(1)
	}
}

// report is the line that is printed.
type report struct {
	Model    string         `json:"model"`
	Method   string         `json:"method"`
	Program  string         `json:"program"`
	Compile  float64        `json:"compile_ms"`
	Plan     float64        `json:"plan_ms"`
	Forward  float64        `json:"forward_ms"`
	Both     float64        `json:"both_ms"`
	Calls    int            `json:"calls"`
	Statuses map[string]int `json:"statuses"`
	Unique   bool           `json:"unique"`
	Residual float64        `json:"residual"`
}

func run(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("cvx", flag.ContinueOnError)
	models := fs.String("models", "models.json", "the descriptions")
	name := fs.String("name", "", "the model")
	in := fs.String("data", "", "npz file with the parameters, and weights w_NAME of the variables")
	out := fs.String("out", "", "npz file to write")
	seconds := fs.Float64("seconds", 0.3, "time to repeat for; 0: once")
	workers := fs.Int("workers", 0, "goroutines; 0: all processors")
	eps := fs.Float64("eps", 0, "tolerance; 0: the default")
	difference := fs.Bool("difference", false, "also write central differences along the directions d_NAME")
	if err := fs.Parse(args); err != nil {
		return err
	}
	all, err := readModels(*models)
	if err != nil {
		return err
	}
	d := all[*name]
	if d == nil {
		return fmt.Errorf("no model is called %q; there are %s", *name, list(all))
	}
	data, err := npz.ReadFile(*in)
	if err != nil {
		return err
	}
	m, err := d.build()
	if err != nil {
		return err
	}
	var prog *cvx.Program
	compile := milliseconds(func() { prog, err = m.Compile() })
	if err != nil {
		return err
	}
	var l *layer.Layer
	opt := &layer.Options{Workers: *workers, EpsAbs: *eps, EpsRel: *eps}
	plan := milliseconds(func() { l, err = layer.New(prog, nil, nil, opt) })
	if err != nil {
		return err
	}
	r := &report{Model: *name, Method: l.Method(), Program: prog.String(), Compile: compile, Plan: plan, Statuses: map[string]int{}}
	result := map[string]*npz.Array{}
	if err := r.measure(l, data, result, time.Duration(*seconds*float64(time.Second))); err != nil {
		return err
	}
	if *difference {
		if err := differences(l, data, result); err != nil {
			return err
		}
	}
	if *out != "" {
		if err := npz.WriteFile(*out, result); err != nil {
			return err
		}
	}
	return json.NewEncoder(stdout).Encode(r)
}

func milliseconds(f func()) float64 {
	t := time.Now()
	f()
	return float64(time.Since(t)) / 1e6
}

func get(data map[string]*npz.Array, name string) ([]float64, error) {
	a := data[name]
	if a == nil {
		return nil, fmt.Errorf("the data have no %q", name)
	}
	return a.Float64s()
}

// inputs are the values of the parameters and the cotangents of the variables.
func inputs(l *layer.Layer, data map[string]*npz.Array) (values [][]float64, up *layer.Outputs, err error) {
	for _, p := range l.Params() {
		v, err := get(data, p.Name)
		if err != nil {
			return nil, nil, err
		}
		values = append(values, v)
	}
	up = &layer.Outputs{}
	for _, v := range l.Vars() {
		w, err := get(data, "w_"+v.Name)
		if err != nil {
			return nil, nil, err
		}
		up.Vars = append(up.Vars, w)
	}
	return values, up, nil
}

func array(x []float64) *npz.Array { return &npz.Array{Shape: []int{len(x)}, Data: x} }

// measure repeats forward and backward, keeps the medians, and the first
// results.
func (r *report) measure(l *layer.Layer, data map[string]*npz.Array, result map[string]*npz.Array, total time.Duration) error {
	values, up, err := inputs(l, data)
	if err != nil {
		return err
	}
	ctx := context.Background()
	var pass layer.Pass
	var grad layer.Gradient
	var fwd, both []float64
	start := time.Now()
	for k := 0; k < 2 || time.Since(start) < total; k++ {
		t := time.Now()
		if err := l.Forward(ctx, &pass, values...); err != nil {
			return err
		}
		f := time.Since(t)
		if err := pass.Backward(ctx, &grad, up); err != nil {
			return err
		}
		if k > 0 { // the first call makes the memory
			fwd = append(fwd, float64(f)/1e6)
			both = append(both, float64(time.Since(t))/1e6)
		}
		if total == 0 {
			break
		}
	}
	r.Calls = len(fwd)
	if r.Calls > 0 {
		r.Forward, r.Both = median(fwd), median(both)
	}
	r.Unique = true
	for i, info := range pass.Info {
		r.Statuses[info.Status.String()]++
		if c := grad.Certs[i]; !c.Unique || c.Zeroed {
			r.Unique = false
		}
		r.Residual = max(r.Residual, grad.Certs[i].Residual)
	}
	for o, v := range l.Vars() {
		result["var_"+v.Name] = array(pass.Vars[o])
	}
	for o, p := range l.Params() {
		result["grad_"+p.Name] = array(grad.Params[o])
	}
	result["value"] = array(pass.Value)
	return nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// differences writes the central differences of the loss along the directions in
// the data, element by element.
func differences(l *layer.Layer, data map[string]*npz.Array, result map[string]*npz.Array) error {
	l, err := l.With(&layer.Options{EpsAbs: 1e-12, EpsRel: 1e-12})
	if err != nil {
		return err
	}
	values, up, err := inputs(l, data)
	if err != nil {
		return err
	}
	const h = 1e-4
	at := func(s float64) ([]float64, error) {
		moved := make([][]float64, len(values))
		for k, p := range l.Params() {
			d, err := get(data, "d_"+p.Name)
			if err != nil {
				return nil, err
			}
			moved[k] = slices.Clone(values[k])
			for i := range d {
				moved[k][i] += s * d[i]
			}
		}
		var pass layer.Pass
		if err := l.Forward(context.Background(), &pass, moved...); err != nil {
			return nil, err
		}
		loss := make([]float64, pass.Size())
		for o, x := range pass.Vars {
			n := len(x) / len(loss)
			for i := range x {
				loss[i/n] += x[i] * up.Vars[o][i]
			}
		}
		return loss, nil
	}
	plus, err := at(h)
	if err != nil {
		return err
	}
	minus, err := at(-h)
	if err != nil {
		return err
	}
	sum := 0.0
	for i := range plus {
		sum += (plus[i] - minus[i]) / (2 * h)
	}
	result["difference"] = array([]float64{sum})
	return nil
}
