//go:build !noasm

package dense

//go:generate go -C _asm run ./lanes -pkg dense -out ../lanes_amd64.s -stubs ../lanes_amd64.go

func bestLanes() Lanes { return [...]Lanes{pureGo: 0, avx2: 4, avx512: 8}[using] }

func fused() bool { return using != pureGo }

// Lanes other than 4 and, with AVX-512, 8 are the reference's.

func choleskyLanes(l Lanes, n int, a, inv []float64) (failed uint) {
	switch {
	case l == 4 && using != pureGo:
		return laneCholeskyAVX2(n, first(a), first(inv))
	case l == 8 && using == avx512:
		return laneCholeskyAVX512(n, first(a), first(inv))
	default:
		return choleskyLanesGo(l, n, a, inv)
	}
}

func solveUTLanes(l Lanes, n int, u, inv, x []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneSolveUTAVX2(n, first(u), first(inv), first(x))
	case l == 8 && using == avx512:
		laneSolveUTAVX512(n, first(u), first(inv), first(x))
	default:
		solveUTLanesGo(l, n, u, inv, x)
	}
}

func solveULanes(l Lanes, n int, u, inv, x []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneSolveUAVX2(n, first(u), first(inv), first(x))
	case l == 8 && using == avx512:
		laneSolveUAVX512(n, first(u), first(inv), first(x))
	default:
		solveULanesGo(l, n, u, inv, x)
	}
}

func gemvLanes(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneGemvAVX2(m, n, alpha, first(a), first(x), first(y))
	case l == 8 && using == avx512:
		laneGemvAVX512(m, n, alpha, first(a), first(x), first(y))
	default:
		gemvLanesGo(l, m, n, alpha, a, x, y)
	}
}

func gemvTLanes(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneGemvTAVX2(m, n, alpha, first(a), first(x), first(y))
	case l == 8 && using == avx512:
		laneGemvTAVX512(m, n, alpha, first(a), first(x), first(y))
	default:
		gemvTLanesGo(l, m, n, alpha, a, x, y)
	}
}

func dotLanes(l Lanes, n int, x, y, out []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneDotAVX2(n, first(x), first(y), first(out))
	case l == 8 && using == avx512:
		laneDotAVX512(n, first(x), first(y), first(out))
	default:
		dotLanesGo(l, n, x, y, out)
	}
}

func normInfLanes(l Lanes, n int, x, out []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneNormInfAVX2(n, first(x), first(out))
	case l == 8 && using == avx512:
		laneNormInfAVX512(n, first(x), first(out))
	default:
		normInfLanesGo(l, n, x, out)
	}
}

func violationLanes(l Lanes, n int, sign float64, c, side, out []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneViolationAVX2(n, sign, first(c), first(side), first(out))
	case l == 8 && using == avx512:
		laneViolationAVX512(n, sign, first(c), first(side), first(out))
	default:
		violationLanesGo(l, n, sign, c, side, out)
	}
}

func sideSumLanes(l Lanes, n int, lam, lo, up, sum, abs []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneSideSumAVX2(n, first(lam), first(lo), first(up), first(sum), first(abs))
	case l == 8 && using == avx512:
		laneSideSumAVX512(n, first(lam), first(lo), first(up), first(sum), first(abs))
	default:
		sideSumLanesGo(l, n, lam, lo, up, sum, abs)
	}
}

func maxStepLanes(l Lanes, n int, alpha, v, dv []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneMaxStepAVX2(n, first(alpha), first(v), first(dv))
	case l == 8 && using == avx512:
		laneMaxStepAVX512(n, first(alpha), first(v), first(dv))
	default:
		maxStepLanesGo(l, n, alpha, v, dv)
	}
}

func shiftedDotLanes(l Lanes, n int, p, s, ds, d, m, dm, out []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneShiftedDotAVX2(n, first(p), first(s), first(ds), first(d), first(m), first(dm), first(out))
	case l == 8 && using == avx512:
		laneShiftedDotAVX512(n, first(p), first(s), first(ds), first(d), first(m), first(dm), first(out))
	default:
		shiftedDotLanesGo(l, n, p, s, ds, d, m, dm, out)
	}
}

func axpyLanes(l Lanes, n int, alpha, x, y []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneAxpyAVX2(n, first(alpha), first(x), first(y))
	case l == 8 && using == avx512:
		laneAxpyAVX512(n, first(alpha), first(x), first(y))
	default:
		axpyLanesGo(l, n, alpha, x, y)
	}
}

func selectLanes(l Lanes, n int, mask, x, y []float64) {
	switch {
	case l == 4 && using != pureGo:
		laneSelectAVX2(n, first(mask), first(x), first(y))
	case l == 8 && using == avx512:
		laneSelectAVX512(n, first(mask), first(x), first(y))
	default:
		selectLanesGo(l, n, mask, x, y)
	}
}

func complementarityLanes(l Lanes, n int, target, s, m, r, on, ds, dm, q, h []float64) {
	switch {
	case l == 4 && using != pureGo && ds == nil:
		laneComplementarityAVX2(n, first(target), first(s), first(m), first(r), first(on), first(q), first(h))
	case l == 4 && using != pureGo:
		laneComplementarity2AVX2(n, first(target), first(s), first(m), first(r), first(on), first(ds), first(dm), first(q), first(h))
	case l == 8 && using == avx512 && ds == nil:
		laneComplementarityAVX512(n, first(target), first(s), first(m), first(r), first(on), first(q), first(h))
	case l == 8 && using == avx512:
		laneComplementarity2AVX512(n, first(target), first(s), first(m), first(r), first(on), first(ds), first(dm), first(q), first(h))
	default:
		complementarityLanesGo(l, n, target, s, m, r, on, ds, dm, q, h)
	}
}
