package conic_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/encoding/sdpa"
)

const collection = "../../shared/data/conic"

// TestSmall solves the small instances of every cone, and checks status, optimum and, with
// the checker of this package's tests, residuals.
func TestSmall(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(collection, "open/small/*.json"))
	if len(files) == 0 {
		t.Skip("no data in " + collection)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var p conic.Problem
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			var file struct {
				Expected struct {
					Status string
					Obj    *float64
				}
			}
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			x, err := conic.Solve(context.Background(), &p, nil)
			if x == nil {
				t.Fatal(err)
			}
			want := file.Expected
			got := x.Info[0].Status.String()
			if !strings.EqualFold(got, strings.ReplaceAll(want.Status, "_", "")) {
				t.Errorf("%v, want %v: %+v", got, want.Status, x.Info[0])
			}
			if v := x.Value[0]; want.Obj != nil && !(math.Abs(v-*want.Obj) <= 1e-6*(1+math.Abs(*want.Obj))) {
				t.Errorf("value %v, want %v", v, *want.Obj)
			}
		})
	}
}

// TestNoInterior solves a semidefinite program without an interior point, whose x grows
// without bound: the dual residual reaches 1e-8 only if H⁻¹ is applied with small backward errors.
func TestNoInterior(t *testing.T) {
	f, err := os.Open(filepath.Join(collection, "open/sdplib/qap6.dat-s"))
	if err != nil {
		t.Skip("no data in " + collection)
	}
	defer f.Close()
	p, err := sdpa.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	x, err := conic.Solve(context.Background(), p.Problem, nil)
	if err != nil {
		t.Fatalf("%v: %+v", err, x.Info[0])
	}
	if v := p.Objective(x.Value[0]); !(math.Abs(v+381.44) <= 0.01) {
		t.Errorf("value %v, want −381.44", v)
	}
}
