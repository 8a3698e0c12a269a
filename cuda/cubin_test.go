package cuda

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// TestCubin: the cubins were made from the PTX that is there.
func TestCubin(t *testing.T) {
	for _, c := range []struct {
		name string
		ptx  []byte
	}{{"qp", ptx}, {"cluster", clusterPTX}} {
		text, err := os.ReadFile("kernels/" + c.name + ".sm_90.sum")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(c.ptx)
		if got, want := hex.EncodeToString(sum[:]), strings.Fields(string(text))[0]; got != want {
			t.Errorf("%s.ptx has the checksum %s, and %s.sm_90.cubin was made from one with %s: make it again, as cubin.go says", c.name, got, c.name, want)
		}
	}
	for _, f := range []func(int, int) [][]byte{images, clusterImages} {
		if len(f(8, 0)) != 1 || len(f(9, 0)) != 2 {
			t.Error("wrong images")
		}
	}
}
