package hostcall

import (
	"strings"
	"testing"
)

// TestNewUnknown: a backend that is not linked in is an error.
func TestNewUnknown(t *testing.T) {
	if b, err := New("nothing:cuda"); b != nil || err == nil || !strings.Contains(err.Error(), `opening backend "nothing:cuda"`) || !strings.Contains(err.Error(), "backends available") {
		t.Errorf("%v, %v", b, err)
	}
}
