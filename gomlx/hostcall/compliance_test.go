package hostcall

import (
	"testing"

	"github.com/gomlx/compute"
	_ "github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/support/backendtest"
)

// TestCompliance runs GoMLX's suite for backends over the wrapper: with graphs passed
// through, and with every graph cut and replayed, although it has no host calls.
func TestCompliance(t *testing.T) {
	for _, replay := range []bool{false, true} {
		t.Run(map[bool]string{false: "through", true: "replay"}[replay], func(t *testing.T) {
			b, err := New("go")
			if err != nil {
				t.Fatal(err)
			}
			b.replay = replay
			backendtest.RunAll(t, sized{b}, nil)
		})
	}
}

// sized is a backend under the name of the one behind, which the suite asks for.
type sized struct{ *Backend }

func (b sized) Name() string { return b.Backend.Backend.Name() }

var _ compute.Backend = sized{}
