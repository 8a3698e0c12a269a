package main

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write the reference of docs/COMMAND.md")

// elsewhere are commands that other pages describe.
var elsewhere = []string{"completion", "help", "train", "predict", "devices"}

// TestReference holds the reference in docs/COMMAND.md against what help prints.
func TestReference(t *testing.T) {
	const file = "../../docs/COMMAND.md"
	text := mustRead(t, file)
	head, _, ok := strings.Cut(text, "## Reference\n")
	if !ok {
		t.Fatalf("%s has no section Reference", file)
	}
	var b strings.Builder
	b.WriteString(head + "## Reference\n\nThe same texts as `optnet help` prints them.\n")
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			if !c.IsAvailableCommand() || slices.Contains(elsewhere, c.Name()) {
				continue
			}
			if c.HasAvailableSubCommands() {
				walk(c)
				continue
			}
			path := strings.Fields(c.CommandPath())[1:]
			code, out, stderr := call(t, "", append(path, "--help")...)
			if code != 0 || len(c.Long)+len(c.Short) == 0 {
				t.Errorf("help of %q: exit code %d, %s", path, code, stderr)
			}
			if path[0] != "version" && c.Example == "" {
				t.Errorf("%q has no example", path)
			}
			b.WriteString("\n### optnet " + strings.Join(path, " ") + "\n\n```\n" + strings.TrimRight(out, "\n") + "\n```\n")
		}
	}
	walk(rootCommand())
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	} else if b.String() != text {
		t.Errorf("the reference in %s is not what help prints: run go test ./cmd/optnet -run TestReference -update", file)
	}
}

// TestExamples solves the problems that docs/COMMAND.md shows as JSON.
func TestExamples(t *testing.T) {
	examples := regexp.MustCompile(`(?m)^    \{"(Q|n)":(.*\n)+?\n`).FindAllString(mustRead(t, "../../docs/COMMAND.md"), -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples, want 2: %q", len(examples), examples)
	}
	for _, text := range examples {
		if code, stdout, stderr := call(t, text, "solve", "-"); code != 0 {
			t.Errorf("exit code %d, %s%s for\n%s", code, stdout, stderr, text)
		}
	}
}

// TestReadme holds what README.md shows of the command against what it prints;
// times and rounding errors aside.
func TestReadme(t *testing.T) {
	readme := mustRead(t, "../../README.md")
	t.Chdir("../..")
	vague := regexp.MustCompile(`[0-9.]+ (µs|ms|s)\n|[0-9.]+e-[0-9]+`)
	for _, name := range []string{"solve", "diagnose"} {
		_, rest, _ := strings.Cut(readme, "<!-- begin "+name+" -->\n```\n$ optnet ")
		block, _, ok := strings.Cut(rest, "```\n<!-- end "+name+" -->")
		line, want, _ := strings.Cut(block, "\n")
		if !ok {
			t.Fatalf("README.md has no block %s", name)
		}
		_, got, stderr := call(t, "", strings.Fields(line)...)
		if vague.ReplaceAllString(got, "*") != vague.ReplaceAllString(want, "*") {
			t.Errorf("README.md shows of %q\n%s\nand it prints\n%s%s", line, want, got, stderr)
		}
	}
}
