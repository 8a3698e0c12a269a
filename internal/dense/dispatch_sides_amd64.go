//go:build !noasm

package dense

import "unsafe"

//go:generate go -C _asm run ./sides -pkg dense -out ../sides_amd64.s -stubs ../sides_amd64.go

func first(x []float64) *float64 { return unsafe.SliceData(x) }

func violation(sign float64, c, side []float64) float64 {
	if using != pureGo {
		return violationAVX2(len(c), sign, first(c), first(side))
	}
	return violationGo(sign, c, side)
}

func slackResidual(sign float64, c, side, s, on, r []float64) {
	if using != pureGo {
		slackResidualAVX2(len(c), sign, first(c), first(side), first(s), first(on), first(r))
		return
	}
	slackResidualGo(sign, c, side, s, on, r)
}

func sideSum(lam, lo, up []float64) (sum, abs float64) {
	if using != pureGo {
		return sideSumAVX2(len(lam), first(lam), first(lo), first(up))
	}
	return sideSumGo(lam, lo, up)
}

func weigh(su, lu, sl, ll, d []float64) {
	switch {
	case using == pureGo:
		weighGo(su, lu, sl, ll, d)
	case sl == nil:
		weighUpperAVX2(len(d), first(su), first(lu), first(d))
	default:
		weighAVX2(len(d), first(su), first(lu), first(sl), first(ll), first(d))
	}
}

func complementarity(target float64, s, l, r, on, ds, dl, q, h []float64) {
	switch {
	case using == pureGo:
		complementarityGo(target, s, l, r, on, ds, dl, q, h)
	case ds == nil:
		complementarityAVX2(len(s), target, first(s), first(l), first(r), first(on), first(q), first(h))
	default:
		complementarity2AVX2(len(s), target, first(s), first(l), first(r), first(on), first(ds), first(dl), first(q), first(h))
	}
}

func sideStep(sign float64, c, s, l, r, q, on, ds, dl []float64) {
	if using != pureGo {
		sideStepAVX2(len(c), sign, first(c), first(s), first(l), first(r), first(q), first(on), first(ds), first(dl))
		return
	}
	sideStepGo(sign, c, s, l, r, q, on, ds, dl)
}

func followMultipliers(small, d, dlam []float64, up, lo *Side) {
	if using != pureGo {
		followMultipliersAVX2(len(d), first(small), first(d), first(dlam),
			first(up.S), first(up.L), first(up.Q), first(up.DS), first(up.DL),
			first(lo.S), first(lo.L), first(lo.Q), first(lo.On), first(lo.DS), first(lo.DL))
		return
	}
	followMultipliersGo(small, d, dlam, up, lo)
}

func maxStep(alpha float64, v, dv []float64) float64 {
	if using != pureGo {
		return maxStepAVX2(len(v), alpha, first(v), first(dv))
	}
	return maxStepGo(alpha, v, dv)
}

func shiftedDot(p float64, s, ds []float64, d float64, l, dl []float64) float64 {
	if using != pureGo {
		return shiftedDotAVX2(len(s), p, first(s), first(ds), d, first(l), first(dl))
	}
	return shiftedDotGo(p, s, ds, d, l, dl)
}

func scale(alpha float64, x, y []float64) {
	if using == pureGo {
		scaleGo(alpha, x, y)
		return
	}
	scaleAVX2(len(x), alpha, first(x), first(y))
}

func sub(x, y, z []float64) {
	if using == pureGo {
		subGo(x, y, z)
		return
	}
	subAVX2(len(x), first(x), first(y), first(z))
}

func mulDiff(d, x, y, z []float64) {
	if using == pureGo {
		mulDiffGo(d, x, y, z)
		return
	}
	mulDiffAVX2(len(d), first(d), first(x), first(y), first(z))
}

func mulAdd(d, x, z []float64) {
	if using == pureGo {
		mulAddGo(d, x, z)
		return
	}
	mulAddAVX2(len(d), first(d), first(x), first(z))
}

func mulSum(a, x, b, y, z []float64) {
	if using == pureGo {
		mulSumGo(a, x, b, y, z)
		return
	}
	mulSumAVX2(len(a), first(a), first(x), first(b), first(y), first(z))
}

func boundStep(q, d, h, y, c, rz, lam []float64) {
	if using == pureGo {
		boundStepGo(q, d, h, y, c, rz, lam)
		return
	}
	boundStepAVX2(len(q), first(q), first(d), first(h), first(y), first(c), first(rz), first(lam))
}

func maxAbs(alpha float64, x, y []float64) {
	if using == pureGo {
		maxAbsGo(alpha, x, y)
		return
	}
	maxAbsAVX2(len(x), alpha, first(x), first(y))
}

func maxAbsRows(m, n int, a []float64, lda int, y []float64) {
	if using == pureGo {
		maxAbsRowsGo(m, n, a, lda, y)
		return
	}
	step := piece(n)
	for i := 0; i < m; i += step {
		maxAbsRowsAVX2(min(step, m-i), n, &a[i*lda], lda, &y[0])
	}
}

func outer(m, n int, u, x, v, y, z []float64, add bool) {
	if using == pureGo {
		outerGo(m, n, u, x, v, y, z, add)
		return
	}
	step := piece(n)
	for i := 0; i < m; i += step {
		rows := min(step, m-i)
		if add {
			addOuterAVX2(rows, n, &u[i], &x[0], &v[i], &y[0], &z[i*n])
		} else {
			outerAVX2(rows, n, &u[i], &x[0], &v[i], &y[0], &z[i*n])
		}
	}
}
