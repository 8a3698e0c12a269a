package qptest_test

import (
	"testing"

	"github.com/optnet-go/optnet/qp/qptest"
)

func TestCPU(t *testing.T) { qptest.Test(t, nil) }

func TestCPUAllocs(t *testing.T) { qptest.TestAllocs(t, nil) }
