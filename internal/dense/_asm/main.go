// Command _asm writes the assembly kernels of package dense.
package main

import (
	"flag"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	set := flag.String("set", "", "kernel `set` to write: avx2 or avx512")
	flag.Parse()
	ConstraintExpr("amd64,!noasm")
	switch *set {
	case "avx2":
		avx2.gemm()
		avx2.syrk()
		avx2.cholesky()
		avx2.residual()
		avx2.solveMany()
		solveUT()
		solveU()
		gemv()
		gemvT()
		dot()
		axpy()
		normInf()
		transpose()
		avx2.peak()
		identify()
	case "avx512":
		avx512.gemm()
		avx512.syrk()
		avx512.solveMany()
		avx512.peak()
	default:
		panic("unknown set " + *set)
	}
	Generate()
}
