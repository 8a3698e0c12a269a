package optnet_test

import (
	"os"
	"strings"
	"testing"
)

// between returns the lines of the fenced block that README.md has between
// <!-- begin NAME --> and <!-- end NAME -->. The script .ci/run reads its test
// command in the same way.
func between(t *testing.T, readme, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(readme, "<!-- begin "+name+" -->\n```")
	block, _, ok2 := strings.Cut(rest, "\n```\n<!-- end "+name+" -->\n")
	_, block, ok3 := strings.Cut(block, "\n")
	if !ok || !ok2 || !ok3 {
		t.Fatalf("README.md has no fenced block between <!-- begin %s --> and <!-- end %[1]s -->", name)
	}
	return block + "\n"
}

// TestReadme holds README's example against the file that is compiled and run.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(readme)
	src, err := os.ReadFile("examples/quickstart/main.go")
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(src), "\npackage main\n")
	want = "package main\n" + want
	if got := between(t, text, "quickstart"); got != want {
		t.Errorf("README.md shows\n%s\nexamples/quickstart/main.go has\n%s", got, want)
	}
	expected, err := os.ReadFile("examples/quickstart/main_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(between(t, text, "output")) {
		if !strings.Contains(string(expected), "\t// "+line) {
			t.Errorf("README.md shows the output %q, which the test of examples/quickstart does not expect", line)
		}
	}
	for _, name := range []string{"train", "test"} {
		if cmd := between(t, text, name); strings.Count(cmd, "\n") != 1 || !strings.HasPrefix(cmd, "go ") {
			t.Errorf("README.md: the block %q is %q, want one go command", name, cmd)
		}
	}
}
