//go:build !amd64 || noasm

package dense

import "testing"

func kernelSets() []kernelSet {
	return []kernelSet{{name: "go", exact: !fuses(), use: func() func() { return func() {} }}}
}

func TestReferenceIsChosen(t *testing.T) {
	if got := Kernels(); got != "go" {
		t.Errorf("Kernels() = %q", got)
	}
}
