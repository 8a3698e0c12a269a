package lab

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/gomlx"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		cfg Config
		err string
	}{
		{Config{Nets: []string{"rnn"}}, `net is "rnn", want one of fc, conv`},
		{Config{Nets: []string{"fc", "conv", "fc"}}, "each network once: fc is named twice"},
		{Config{Epochs: -1}, "epochs is -1, want 1 or more"},
		{Config{Batch: -1}, "batch is -1"},
		{Config{LR: math.NaN()}, "lr is NaN, want a positive number"},
		{Config{LR: -0.1}, "lr is -0.1"},
		{Config{LR: math.Inf(1)}, "lr is +Inf"},
		{Config{Workers: -2}, "workers is -2"},
		{Config{Resume: true}, `out is "", want the folder of the training to resume`},
		{Config{Backend: "nothing:cuda"}, `backend is "nothing:cuda", want one of this program's`},
		{Config{Backend: "go:ops_sequential"}, ""},
		{Config{Way: gomlx.InGraph + 1}, "qp is 3"},
		{Config{Way: gomlx.InGraph, Workers: 2}, `qp is "graph", want host`},
		{Config{Nets: []string{"fc"}, Way: gomlx.InGraph, Epochs: 3, LR: 1}, ""},
		{Config{}, ""},
	} {
		err := tt.cfg.Check(OneOf([]string{"fc", "conv"}))
		if tt.err == "" {
			if err != nil {
				t.Errorf("%+v: error %v", tt.cfg, err)
			}
			continue
		}
		var v *ValueError
		if !errors.As(err, &v) || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%+v: error %v, want %q", tt.cfg, err, tt.err)
		}
	}
}
