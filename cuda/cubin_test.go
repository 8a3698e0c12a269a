package cuda

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestCubin: the cubin was made from the PTX that is there.
func TestCubin(t *testing.T) {
	text, err := os.ReadFile("kernels/qp.sm_90.sum")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(ptx)
	if got, want := hex.EncodeToString(sum[:]), strings.Fields(string(text))[0]; got != want {
		t.Errorf("qp.ptx has the checksum %s, and qp.sm_90.cubin was made from one with %s: make it again, as cubin.go says", got, want)
	}
	if len(images(8, 0)) != 1 || len(images(9, 0)) != 2 {
		t.Error("wrong images")
	}
}
