package optnet_test

import (
	"cmp"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/optnet-go/optnet"

// A row is the rule for the packages that match pkg. A pattern names packages by
// their path within the module: "qp" is that package, "cmd/..." is cmd and all
// below it, and "./..." in may is the importer's own part of the house: its
// first two path elements (experiments/sudoku) and all below.
type row struct {
	pkg   string
	may   []string // packages of ours that it may import
	never []string // standard packages that it must not import
}

// public is everything that the upper floors of the house may use.
var public = []string{
	"qp", "qp/qptest", "sparse", "conic", "cvx", "layer", "cuda",
	"gomlx", "gomlx/hostcall", "gomlx/ingraph",
	"encoding/mps", "encoding/cbf", "encoding/sdpa", "encoding/npz",
}

// table says who may import whom, among our own packages. The first row that
// matches counts.
var table = []row{
	{pkg: "."},
	{pkg: "internal/dense"},
	{pkg: "internal/cudadrv"},
	{pkg: "internal/gen"},
	{pkg: "internal/jsonscan"},
	{pkg: "internal/linescan"},
	{pkg: "internal/linescan/linetest"},
	{pkg: "sparse", may: []string{"internal/dense"}},
	{pkg: "encoding/npz"},
	{pkg: "gomlx/hostcall"},
	{pkg: "qp", may: []string{"internal/dense", "internal/jsonscan"}, never: []string{"log/...", "os/..."}},
	{pkg: "qp/qptest", may: []string{"qp", "internal/gen"}},
	{pkg: "cuda", may: []string{"qp", "internal/cudadrv"}},
	{pkg: "conic", may: []string{"sparse", "internal/dense", "internal/jsonscan"}},
	{pkg: "encoding/mps", may: []string{"sparse", "conic", "qp"}},
	{pkg: "encoding/cbf", may: []string{"sparse", "conic", "qp", "internal/linescan"}},
	{pkg: "encoding/sdpa", may: []string{"sparse", "conic", "qp", "internal/linescan"}},
	{pkg: "cvx", may: []string{"sparse", "conic", "qp"}},
	{pkg: "layer", may: []string{"cvx", "conic", "qp"}},
	{pkg: "gomlx", may: []string{"layer", "qp", "gomlx/hostcall", "gomlx/ingraph"}},
	{pkg: "gomlx/ingraph", may: []string{"layer", "qp", "gomlx/hostcall"}},
	{pkg: "experiments/...", may: append([]string{"./...", "experiments/lab"}, public...)}, // lab: what they share
	{pkg: "examples/...", may: append([]string{"./..."}, public...)},
	{pkg: "bench/...", may: append([]string{"./..."}, public...)},
	{pkg: "cmd/optnet/...", may: append([]string{"./...", "experiments/..."}, public...)},
}

// rooms says where modules of others may be imported, by import path. The first
// row that matches counts. A module without a row is an error.
var rooms = []struct {
	imp string
	in  []string
}{
	{"github.com/gomlx/...", []string{"gomlx/...", "experiments/..."}},
	{"github.com/spf13/...", []string{"cmd/...", "experiments/..."}},
	{"github.com/schollz/progressbar/...", []string{"cmd/...", "experiments/..."}},
	{"gonum.org/v1/plot/...", []string{"cmd/...", "experiments/..."}},
	{"gonum.org/v1/gonum/...", []string{"..."}},
	{"github.com/ebitengine/purego/...", []string{"internal/cudadrv"}},
	{"golang.org/x/sys/...", []string{"internal/...", "cmd/...", "experiments/..."}},
	{"github.com/mmcloughlin/avo/...", nil}, // only in _asm, which is not walked
}

type violation struct {
	file, imp, rule string
}

func (v violation) String() string {
	return fmt.Sprintf("%s imports %q: %s", v.file, v.imp, v.rule)
}

// TestImports holds the source files against the tables. It reads them itself,
// and does not ask go list, so that the test cache sees when one changes.
func TestImports(t *testing.T) {
	found, files, err := checkImports(".")
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no source file was found")
	}
	for _, v := range found {
		t.Error(v)
	}
}

// checkImports walks the module at root. Test files, directories that the go
// command ignores and nested modules are exempt.
func checkImports(root string) (found []violation, files int, err error) {
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name == root {
				return nil
			}
			base := d.Name()
			if base == "testdata" || base == "vendor" || strings.HasPrefix(base, "_") || strings.HasPrefix(base, ".") {
				return fs.SkipDir
			}
			switch _, err := os.Stat(filepath.Join(name, "go.mod")); {
			case err == nil:
				return fs.SkipDir
			case !errors.Is(err, fs.ErrNotExist):
				return err
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		rel = filepath.ToSlash(rel)
		pkg := path.Dir(rel)
		r := slices.IndexFunc(table, func(r row) bool { return matches(r.pkg, pkg) })
		if r < 0 {
			found = append(found, violation{rel, "", "package " + pkg + " is not in the table of imports_test.go: add a row to the table"})
			return nil
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return fmt.Errorf("%s: %w", rel, err)
			}
			if rule := breaks(pkg, &table[r], imp); rule != "" {
				found = append(found, violation{rel, imp, rule})
			}
		}
		return nil
	})
	slices.SortFunc(found, func(a, b violation) int {
		return cmp.Or(strings.Compare(a.file, b.file), strings.Compare(a.imp, b.imp))
	})
	return found, files, err
}

// breaks returns the rule that an import breaks, or "".
func breaks(pkg string, r *row, imp string) string {
	if imp == "C" {
		return "no package uses cgo"
	}
	ours, isOurs := strings.CutPrefix(imp, module+"/")
	if imp == module {
		ours, isOurs = ".", true
	}
	if isOurs {
		if pkg == ours {
			return "" // an import of itself is the compiler's matter
		}
		for _, p := range r.may {
			if p == "./..." {
				p = subtree(pkg)
			}
			if matches(p, ours) {
				return ""
			}
		}
		if len(r.may) == 0 {
			return r.pkg + " may import nothing of ours"
		}
		return r.pkg + " may import of ours only " + strings.Join(r.may, ", ")
	}
	for _, p := range r.never {
		if matches(p, imp) {
			return r.pkg + " never imports " + p
		}
	}
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") {
		return "" // the standard library
	}
	for _, room := range rooms {
		if !matches(room.imp, imp) {
			continue
		}
		for _, p := range room.in {
			if matches(p, pkg) {
				return ""
			}
		}
		if len(room.in) == 0 {
			return room.imp + " is for generators in _asm only"
		}
		return room.imp + " is only for " + strings.Join(room.in, ", ")
	}
	return "no room for this module: add a row to rooms, and a line to docs/RATIONALE.md"
}

// subtree is the pattern of the part of the house that pkg belongs to: its
// first two path elements, and all below.
func subtree(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	return strings.Join(parts[:min(len(parts), 2)], "/") + "/..."
}

// matches reports whether name is the pattern, or lies below one that ends in
// "/...".
func matches(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == dir || strings.HasPrefix(name, dir+"/")
	}
	return name == pattern
}

// TestImportsCatches runs the check on a made-up tree: what is wrong in it must
// be found, and nothing else.
func TestImportsCatches(t *testing.T) {
	root := t.TempDir()
	write := func(name string, imports ...string) {
		t.Helper()
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		b.WriteString("package p\n")
		for _, imp := range imports {
			fmt.Fprintf(&b, "import _ %q\n", imp)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}

	// Right.
	write("doc.go")
	write("internal/dense/dense.go", "math", "golang.org/x/sys/cpu")
	write("internal/cudadrv/driver.go", "github.com/ebitengine/purego")
	write("qp/qp.go", "context", "gonum.org/v1/gonum/mat", module+"/internal/dense")
	write("qp/qp_test.go", "os", module+"/cvx") // test files are exempt
	write("qp/testdata/x.go", module+"/cvx")
	write("internal/dense/_asm/gen.go", "github.com/mmcloughlin/avo/build")
	write(".ci/x.go", module+"/cvx")
	write("bench/peers/go.mod")
	write("bench/peers/peers.go", "example.com/peer")
	write("experiments/sudoku/run.go", "log/slog", "os", module+"/qp", module+"/experiments/sudoku/board", "gonum.org/v1/plot", "github.com/gomlx/gomlx/core/graph")
	write("experiments/sudoku/board/board.go", module+"/experiments/lab")
	write("experiments/lab/lab.go", module+"/gomlx")
	write("cmd/optnet/main.go", "os", "github.com/spf13/cobra", module+"/experiments/sudoku", module+"/qp", module+"/cmd/optnet/term")
	write("cmd/optnet/term/term.go", "github.com/schollz/progressbar/v3")

	// Wrong.
	write("internal/gen/gen.go", module+"/internal/dense")
	write("qp/bad.go", "log", "log/slog", "os", "os/exec", module, module+"/sparse", module+"/qp/qptest")
	write("qp/tagged_windows.go", module+"/cuda")
	write("qp/qptest/suite.go", module+"/qp", module+"/cuda")
	write("conic/conic.go", module+"/qp", "github.com/ebitengine/purego")
	write("cuda/cuda.go", module+"/qp", module+"/internal/dense", "C")
	write("layer/layer.go", "github.com/gomlx/gomlx/core/graph")
	write("experiments/mnist/run.go", module+"/experiments/sudoku", module+"/cmd/optnet/term")
	write("cmd/optnet/bad.go", module+"/internal/dense", "github.com/gomlx/compute")
	write("internal/dense/bad.go", "github.com/mmcloughlin/avo/build", "gonum.org/v1/plot/vg")
	write("sparse/sparse.go", "example.com/other")
	write("util/util.go", "fmt")

	found, files, err := checkImports(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := 21; files != want {
		t.Errorf("checked %d files, want %d", files, want)
	}
	var got []string
	for _, v := range found {
		got = append(got, strings.TrimSpace(v.file+" "+strings.Replace(v.imp, module, "M", 1)))
		if v.rule == "" || !strings.Contains(v.String(), v.rule) {
			t.Errorf("%v does not name its rule", v)
		}
	}
	want := []string{
		"cmd/optnet/bad.go M/internal/dense",
		"cmd/optnet/bad.go github.com/gomlx/compute",
		"conic/conic.go M/qp",
		"conic/conic.go github.com/ebitengine/purego",
		"cuda/cuda.go C",
		"cuda/cuda.go M/internal/dense",
		"experiments/mnist/run.go M/cmd/optnet/term",
		"experiments/mnist/run.go M/experiments/sudoku",
		"internal/dense/bad.go github.com/mmcloughlin/avo/build",
		"internal/dense/bad.go gonum.org/v1/plot/vg",
		"internal/gen/gen.go M/internal/dense",
		"layer/layer.go github.com/gomlx/gomlx/core/graph",
		"qp/bad.go M",
		"qp/bad.go M/qp/qptest",
		"qp/bad.go M/sparse",
		"qp/bad.go log",
		"qp/bad.go log/slog",
		"qp/bad.go os",
		"qp/bad.go os/exec",
		"qp/qptest/suite.go M/cuda",
		"qp/tagged_windows.go M/cuda",
		"sparse/sparse.go example.com/other",
		"util/util.go",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if i := slices.IndexFunc(found, func(v violation) bool { return v.file == "util/util.go" }); i >= 0 && !strings.Contains(found[i].rule, "add a row to the table") {
		t.Errorf("an unlisted package is reported as %v", found[i])
	}
}
