//go:build !amd64 || noasm

package dense

func bestLanes() Lanes { return 0 }

func fused() bool { return false }

func choleskyLanes(l Lanes, n int, a, inv []float64) (failed uint) {
	return choleskyLanesGo(l, n, a, inv)
}

func solveUTLanes(l Lanes, n int, u, inv, x []float64) {
	solveUTLanesGo(l, n, u, inv, x)
}

func solveULanes(l Lanes, n int, u, inv, x []float64) {
	solveULanesGo(l, n, u, inv, x)
}

func gemvLanes(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	gemvLanesGo(l, m, n, alpha, a, x, y)
}

func gemvTLanes(l Lanes, m, n int, alpha float64, a, x, y []float64) {
	gemvTLanesGo(l, m, n, alpha, a, x, y)
}

func dotLanes(l Lanes, n int, x, y, out []float64) {
	dotLanesGo(l, n, x, y, out)
}

func normInfLanes(l Lanes, n int, x, out []float64) {
	normInfLanesGo(l, n, x, out)
}

func violationLanes(l Lanes, n int, sign float64, c, side, out []float64) {
	violationLanesGo(l, n, sign, c, side, out)
}

func sideSumLanes(l Lanes, n int, lam, lo, up, sum, abs []float64) {
	sideSumLanesGo(l, n, lam, lo, up, sum, abs)
}

func maxStepLanes(l Lanes, n int, alpha, v, dv []float64) {
	maxStepLanesGo(l, n, alpha, v, dv)
}

func shiftedDotLanes(l Lanes, n int, p, s, ds, d, m, dm, out []float64) {
	shiftedDotLanesGo(l, n, p, s, ds, d, m, dm, out)
}

func axpyLanes(l Lanes, n int, alpha, x, y []float64) {
	axpyLanesGo(l, n, alpha, x, y)
}

func selectLanes(l Lanes, n int, mask, x, y []float64) {
	selectLanesGo(l, n, mask, x, y)
}

func complementarityLanes(l Lanes, n int, target, s, m, r, on, ds, dm, q, h []float64) {
	complementarityLanesGo(l, n, target, s, m, r, on, ds, dm, q, h)
}
