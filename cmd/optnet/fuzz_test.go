package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzCommand gives the commands that read problems files of anything, in every format.
// None panics; the exit code is one of those documented, and what is printed is JSON.
func FuzzCommand(f *testing.F) {
	names, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	ends := []string{".qps", ".json", ".cbf", ".dat-s", ".npz", ".mps", ""}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil || len(text) > 1<<12 {
			continue
		}
		for verb := range byte(4) {
			for k, end := range ends {
				if strings.HasSuffix(name, end) {
					f.Add(verb, byte(k), text, []byte(`{"x": [1, 2], "z": [0], "ray": {"z": [1]}}`))
					break
				}
			}
		}
	}
	f.Add(byte(0), byte(2), []byte("VER\n3\nOBJSENSE\nMIN\nVAR\n2 1\nF 2\nOBJACOORD\n1\n0 1\nCON\n1 1\nL+ 1\nACOORD\n1\n0 0 1\n"), []byte(nil))
	f.Add(byte(0), byte(3), []byte("1 \n1 \n2 \n1\n0 1 1 1 1\n1 1 1 1 1\n1 1 2 2 1\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, verb, end byte, text, solution []byte) {
		if len(text) > 1<<14 {
			return
		}
		name := write(t, "f"+ends[int(end)%len(ends)], string(text))
		args := []string{[]string{"solve", "grad", "diagnose", "check"}[verb%4], "--json", name}
		if verb%4 == 3 {
			args = append(args, write(t, "s.json", string(solution)))
		} else {
			args = append(args, "--time-limit", "500ms", "--memory", "100MB", "--workers", "1", "--max-iter", "60")
		}
		code, stdout, stderr := call(t, "", args...)
		if code < 0 || code > 3 || code == exitUsage && !strings.Contains(stdout+stderr, "want") {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
		if stderr != "" || stdout == "" && code != 0 {
			t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if !json.Valid([]byte(line)) {
				t.Errorf("not JSON: %s", line)
			}
		}
	})
}
