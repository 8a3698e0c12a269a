package qp

import "github.com/optnet-go/optnet/internal/dense"

// Kernels names the set of kernels that the CPU engine computes with: "avx512" or
// "avx2" where the processor has them, and else "go". The first two give the same
// bits. A build with the tag noasm has only the last.
func Kernels() string { return dense.Kernels() }
