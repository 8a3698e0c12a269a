//go:build xla

package gomlx_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/optnet-go/optnet/gomlx"
)

// TestLowering builds both ways, with gradients with respect to all coefficients, for
// data of all kinds, on a PJRT plugin that takes every program and executes none
// (testdata/stub.c): GoMLX's backend for XLA makes the programs, which finds what it
// cannot do, and they are whole. CI does that where there is no XLA:
//
//	CGO_ENABLED=1 go test -tags xla -run TestLowering ./gomlx -args -backend xla:/path/to/stub.so
func TestLowering(t *testing.T) {
	plugin, _, _ := strings.Cut(strings.TrimPrefix(*config, "xla:"), ",")
	if filepath.Base(plugin) != "stub.so" {
		t.Skip("for the plugin stub.so; others run all tests")
	}
	for name, a := range forms() {
		for _, way := range []gomlx.Way{gomlx.Host, gomlx.InGraph} {
			t.Run(name+"/"+[]string{"", "host", "graph"}[way], func(t *testing.T) {
				before := programs(t, plugin)
				g := graph.NewGraph(backend(t), "lowering")
				defer g.Finalize()
				var d gomlx.Data
				var in []*graph.Node
				for _, f := range fields {
					if x, ok := a[f]; ok {
						p := graph.Parameter(g, f, shapes.Make(dtypes.Float64, x.dims...))
						*field(&d, f) = p
						in = append(in, p)
					}
				}
				s := gomlx.QP(d, &gomlx.Options{Way: way})
				loss := graph.Add(graph.ReduceAllSum(graph.Square(s.Z)), graph.ReduceAllSum(s.Value))
				if err := g.Compile(append(graph.Gradient(loss, in...), loss, s.Status)...); err != nil {
					t.Fatal(err)
				}
				made := programs(t, plugin)
				made = slices.DeleteFunc(made, func(name string) bool { return slices.Contains(before, name) })
				loops := 0
				for _, name := range made {
					text, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					for _, p := range problems(string(text)) {
						t.Errorf("%s: %s", name, p)
					}
					loops += strings.Count(string(text), "stablehlo.while")
				}
				// Only the loss comes between the solve and its derivative.
				wantLoops := 0
				if way == gomlx.InGraph && !slices.Contains([]string{"equality", "free"}, name) {
					wantLoops = 1
				}
				if len(made) == 0 || way == gomlx.InGraph && len(made) != 1 || way == gomlx.Host && len(made) > 3 || loops != wantLoops {
					t.Errorf("%d programs with %d loops", len(made), loops)
				}
			})
		}
	}
}

// programs are the files that the stub has written.
func programs(t *testing.T, plugin string) []string {
	names, err := filepath.Glob(plugin + ".*.mlir")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

var (
	ssaName    = regexp.MustCompile(`%[A-Za-z0-9_]+`)
	definition = regexp.MustCompile(`^\s*((?:%[A-Za-z0-9_]+(?::\d+)?(?:,\s*)?)+)\s*=`)
	parameters = regexp.MustCompile(`(%[A-Za-z0-9_]+)\s*:\s*tensor`)
)

// problems of a program in the text of StableHLO: values that are not defined in their
// function before they are used, a part that is float32, no main function.
func problems(text string) (found []string) {
	if !strings.Contains(text, "func.func @main") {
		found = append(found, "no main function")
	}
	if strings.Contains(text, "f32>") {
		found = append(found, "float32")
	}
	defined := make(map[string]bool)
	for line := range strings.Lines(text) {
		if strings.Contains(line, "func.func") {
			clear(defined)
		}
		var own []string
		if m := definition.FindStringSubmatch(line); m != nil {
			own = ssaName.FindAllString(m[1], -1)
		}
		if strings.Contains(line, "func.func") || strings.Contains(line, "^") {
			for _, m := range parameters.FindAllStringSubmatch(line, -1) {
				own = append(own, m[1])
			}
		}
		for _, name := range ssaName.FindAllString(line, -1) {
			if !defined[name] && !slices.Contains(own, name) {
				found = append(found, name+" is not defined: "+line)
			}
		}
		for _, name := range own {
			defined[name] = true
		}
	}
	return found
}

func TestProblems(t *testing.T) {
	const good = `module @m {
  func.func @main(%a: tensor<2xf64>) -> tensor<2xf64> {
    %0 = "stablehlo.add"(%a, %a) : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    "stablehlo.return"(%0) : (tensor<2xf64>) -> ()
  }
}`
	if p := problems(good); p != nil {
		t.Error(p)
	}
	for old, bad := range map[string]string{"@main": "@other", "(%a, %a)": "(%a, %b)", "return\"(%0)": "return\"(%1)", "2xf64>": "2xf32>"} {
		if p := problems(strings.ReplaceAll(good, old, bad)); len(p) != 1 {
			t.Errorf("%s in place of %s: %q", bad, old, p)
		}
	}
}
