//go:build !amd64 || noasm

package dense

func violation(sign float64, c, side []float64) float64 { return violationGo(sign, c, side) }

func slackResidual(sign float64, c, side, s, on, r []float64) {
	slackResidualGo(sign, c, side, s, on, r)
}

func sideSum(lam, lo, up []float64) (sum, abs float64) { return sideSumGo(lam, lo, up) }

func weigh(su, lu, sl, ll, d []float64) { weighGo(su, lu, sl, ll, d) }

func complementarity(target float64, s, l, r, on, ds, dl, q, h []float64) {
	complementarityGo(target, s, l, r, on, ds, dl, q, h)
}

func sideStep(sign float64, c, s, l, r, q, on, ds, dl []float64) {
	sideStepGo(sign, c, s, l, r, q, on, ds, dl)
}

func followMultipliers(small, d, dlam []float64, up, lo *Side) {
	followMultipliersGo(small, d, dlam, up, lo)
}

func maxStep(alpha float64, v, dv []float64) float64 { return maxStepGo(alpha, v, dv) }

func shiftedDot(p float64, s, ds []float64, d float64, l, dl []float64) float64 {
	return shiftedDotGo(p, s, ds, d, l, dl)
}

func scale(alpha float64, x, y []float64) { scaleGo(alpha, x, y) }

func sub(x, y, z []float64) { subGo(x, y, z) }

func mulDiff(d, x, y, z []float64) { mulDiffGo(d, x, y, z) }

func mulAdd(d, x, z []float64) { mulAddGo(d, x, z) }

func mulSum(a, x, b, y, z []float64) { mulSumGo(a, x, b, y, z) }

func boundStep(q, d, h, y, c, rz, lam []float64) { boundStepGo(q, d, h, y, c, rz, lam) }

func maxAbs(alpha float64, x, y []float64) { maxAbsGo(alpha, x, y) }

func maxAbsRows(m, n int, a []float64, lda int, y []float64) {
	maxAbsRowsGo(m, n, a, lda, y)
}

func outer(m, n int, u, x, v, y, z []float64, add bool) {
	outerGo(m, n, u, x, v, y, z, add)
}
