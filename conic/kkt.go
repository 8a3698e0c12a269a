package conic

import (
	"math"

	"github.com/optnet-go/optnet/internal/dense"
	"github.com/optnet-go/optnet/sparse"
)

// kkt solves
//
//	[P Aᵀ; A −H] (x, z) = (bx, bz)
//
// for the H of the cones. It factors a regularized matrix, in which some cones may
// be eliminated or expanded, and refines against the equations above.
type kkt struct {
	pl     *plan
	p, a   []float64 // values
	cones  []cone
	base   []float64 // the part of the values that stays: P and A
	val    []float64
	ldl    *sparse.LDL
	reg    sparse.Regularization
	static float64
	left   float64 // of the last right-hand side, relative to it

	rhs                []float64 // size of K
	rx, rz             []float64 // residuals
	cx, cz             []float64 // corrections
	t                  []float64 // m
	d                  []float64 // scratch for a block
	bound              []float64 // 1/(h + static) of each bound
	gm                 *krylov
	steps, krylovSteps int // corrections so far
}

// Static regularization, and what takes the place of pivots that are too small.
const (
	staticReg    = 1e-8
	symmetricReg = 1e-10 // where all cones are symmetric
	cliqueReg    = 1e-13 // relative
	dynamicEps   = 1e-13
	dynamicDelta = 2e-7
	dynamicRel   = 4e-16
)

func newKKT(pl *plan, cones []cone) *kkt {
	k := &kkt{
		pl: pl, cones: cones, base: make([]float64, pl.kkt.NNZ()), val: make([]float64, pl.kkt.NNZ()), ldl: pl.sym.NewLDL(),
		reg: sparse.Regularization{Sign: pl.sign, Eps: dynamicEps, Delta: dynamicDelta, Rel: dynamicRel},
		rhs: make([]float64, pl.size), rx: make([]float64, pl.n), rz: make([]float64, pl.m), cx: make([]float64, pl.n), cz: make([]float64, pl.m), t: make([]float64, pl.m),
	}
	k.gm = newKrylov(pl.n + pl.m)
	k.d = make([]float64, pl.largestBlock())
	k.bound = make([]float64, len(pl.bounds))
	return k
}

// largestBlock is the scratch that put needs.
func (p *plan) largestBlock() (largest int) {
	for i := range p.blocks {
		switch b := &p.blocks[i]; b.form {
		case formExpanded:
			largest = max(largest, 3*b.dim)
		case formDense:
			largest = max(largest, b.dim*(b.dim+1)/2)
		}
	}
	return largest
}

// load takes the values of P and A, which it keeps.
func (k *kkt) load(p, a []float64) {
	k.p, k.a = p, a
	clear(k.base)
	for q, at := range k.pl.pAt {
		k.base[at] += p[q]
	}
	for q, at := range k.pl.aAt {
		if at >= 0 {
			k.base[at] = a[q]
		}
	}
	k.steps, k.krylovSteps = 0, 0
}

// factor factors the matrix for the present scaling; with identity set, for H = I.
func (k *kkt) factor(identity bool) bool {
	copy(k.val, k.base)
	for i := range k.pl.blocks {
		k.put(&k.pl.blocks[i], k.cones[i], identity)
	}
	for l, b := range k.pl.bounds {
		h := 1.0
		if !identity {
			h = k.cones[b.block].(*nonneg).h[int(b.row)-k.pl.blocks[b.block].off]
		}
		k.bound[l] = 1 / (h + k.static)
		a := k.a[b.at]
		k.val[k.pl.xDiag[b.col]] += a * a * k.bound[l]
	}
	// Static regularization. The diagonal that an eliminated cone leaves is positive by
	// itself, and may be smaller than what other rows need.
	for j, at := range k.pl.xDiag {
		if k.pl.inClique[j] {
			k.val[at] += cliqueReg * k.val[at]
		} else {
			k.val[at] += k.static
		}
	}
	for _, at := range k.pl.rowDiag {
		if at >= 0 {
			k.val[at] -= k.static
		}
	}
	return k.ldl.Factor(k.val, &k.reg) == nil
}

// put writes the block of −H.
func (k *kkt) put(b *block, c cone, identity bool) {
	diag := k.pl.rowDiag[b.off : b.off+b.dim]
	switch b.form {
	case formDiagonal:
		switch c := c.(type) {
		case *nonneg:
			for i, at := range diag {
				switch {
				case at < 0: // a bound
				case identity:
					k.val[at] = -1
				default:
					k.val[at] = -c.h[i]
				}
			}
		default: // zero
			for _, at := range diag {
				k.val[at] = 0
			}
		}
	case formDense:
		begin := 0
		h := k.d[:b.dim*(b.dim+1)/2]
		if identity {
			clear(h)
			for j := range b.dim {
				h[j*(j+3)/2] = 1
			}
		} else {
			c.(interface{ block(h []float64) }).block(h)
		}
		for j, at := range diag {
			out := k.val[int(at)-j : int(at)+1]
			for i, v := range h[begin : begin+j+1] {
				out[i] = -v
			}
			begin += j + 1
		}
	case formExpanded:
		n := b.dim
		d, u, v := k.d[:n], k.d[n:2*n], k.d[2*n:3*n]
		if identity {
			for i := range d {
				d[i], u[i], v[i] = 1, 0, 0
			}
		} else {
			c.(interface{ expand(d, u, v []float64) }).expand(d, u, v)
		}
		for i, at := range diag {
			k.val[at] = -d[i]
		}
		// Column u: uᵀz + r = 0 leaves −u uᵀz; column v: vᵀz − r = 0 leaves +v vᵀz.
		copy(k.val[b.u:], u)
		k.val[int(b.u)+n] = 1
		copy(k.val[b.v:], v)
		k.val[int(b.v)+n] = -1
	case formEliminated:
		c := c.(*psd)
		if identity {
			c.identity()
		}
		b.elim.add(c, k.a, k.val)
	}
}

// mulH sets y = H x, but to 0 in rows that are eliminated: there z is by definition
// H⁻¹(Ax − b), and nothing is left of their equations.
func (k *kkt) mulH(x, y []float64, identity bool) {
	for i := range k.pl.blocks {
		b := &k.pl.blocks[i]
		xs, ys := x[b.off:b.off+b.dim], y[b.off:b.off+b.dim]
		switch {
		case b.form == formEliminated:
			clear(ys)
		case identity && b.kind != Zero:
			copy(ys, xs)
		default:
			k.cones[i].mul(xs, ys)
		}
	}
}

// clearElim clears the rows that are eliminated.
func (k *kkt) clearElim(v []float64) {
	if !k.pl.hasElim {
		return
	}
	for i := range k.pl.blocks {
		if b := &k.pl.blocks[i]; b.form == formEliminated {
			clear(v[b.off : b.off+b.dim])
		}
	}
}

// direct solves with the factors alone.
func (k *kkt) direct(bx, bz, x, z []float64) {
	pl := k.pl
	copy(k.rhs, bx)
	if pl.hasElim {
		// P x + AᵀH⁻¹A x = bx + AᵀH⁻¹bz over the rows eliminated.
		clear(k.t)
		any := false
		for i := range pl.blocks {
			if b := &pl.blocks[i]; b.form == formEliminated && dense.NormInf(bz[b.off:b.off+b.dim]) != 0 {
				k.cones[i].(*psd).mulInv(bz[b.off:b.off+b.dim], k.t[b.off:b.off+b.dim])
				any = true
			}
		}
		if any {
			pl.a.MulTAdd(k.a, 1, k.t, k.rhs[:pl.n])
		}
	}
	for l, b := range pl.bounds {
		k.rhs[b.col] += k.a[b.at] * bz[b.row] * k.bound[l]
	}
	for i, at := range pl.rowAt {
		if at >= 0 {
			k.rhs[at] = bz[i]
		}
	}
	for i := range pl.blocks {
		if b := &pl.blocks[i]; b.form == formExpanded {
			// The rows of u and v follow those of A.
			k.rhs[pl.kkt.RowIdx[int(b.u)+b.dim]] = 0
			k.rhs[pl.kkt.RowIdx[int(b.v)+b.dim]] = 0
		}
	}
	k.ldl.Solve(k.rhs)
	copy(x, k.rhs[:pl.n])
	for i, at := range pl.rowAt {
		if at >= 0 {
			z[i] = k.rhs[at]
		}
	}
	for l, b := range pl.bounds {
		z[b.row] = (k.a[b.at]*x[b.col] - bz[b.row]) * k.bound[l]
	}
	if pl.hasElim {
		// z = H⁻¹(A x − bz)
		for i := range pl.blocks {
			if b := &pl.blocks[i]; b.form == formEliminated {
				for r := b.off; r < b.off+b.dim; r++ {
					k.t[r] = -bz[r]
				}
			}
		}
		k.mulElim(x, k.t)
		for i := range pl.blocks {
			if b := &pl.blocks[i]; b.form == formEliminated {
				k.cones[i].(*psd).mulInv(k.t[b.off:b.off+b.dim], z[b.off:b.off+b.dim])
			}
		}
	}
}

// mulElim adds A x to the rows of t that are eliminated.
func (k *kkt) mulElim(x, t []float64) {
	pl := k.pl
	for i := range pl.blocks {
		e := pl.blocks[i].elim
		if e == nil {
			continue
		}
		for v, j := range e.vars {
			xj := x[j]
			if xj == 0 {
				continue
			}
			for q := e.begin[v]; q < e.end[v]; q++ {
				t[pl.a.RowIdx[q]] += k.a[q] * xj
			}
		}
	}
}

// apply sets (y, w) to the matrix times (x, z).
func (k *kkt) apply(x, z, y, w []float64, identity bool) {
	pl := k.pl
	clear(y)
	pl.p.SymMulAdd(k.p, 1, x, y)
	pl.a.MulTAdd(k.a, 1, z, y)
	k.mulH(z, w, identity)
	for i, v := range w {
		w[i] = -v
	}
	pl.a.MulAdd(k.a, 1, x, w)
	k.clearElim(w)
}

// residual sets (rx, rz) to what (x, z) leaves of the right-hand side, and returns
// its norm.
func (k *kkt) residual(bx, bz, x, z []float64, identity bool) float64 {
	pl := k.pl
	copy(k.rx, bx)
	pl.p.SymMulAdd(k.p, -1, x, k.rx)
	pl.a.MulTAdd(k.a, -1, z, k.rx)
	k.mulH(z, k.rz, identity)
	for i, b := range bz[:pl.m] {
		k.rz[i] += b
	}
	pl.a.MulAdd(k.a, -1, x, k.rz)
	k.clearElim(k.rz)
	return max(dense.NormInf(k.rx), dense.NormInf(k.rz))
}

// tolerance says how far a solve should go: refinement goes on down to abs plus a
// multiple of the rounding of the right-hand side, as long as it pays, and GMRES takes over where the
// residual is left above okX or okZ.
type tolerance struct {
	abs, okX, okZ float64
	trust         bool // take what the factors alone give
}

// solve solves for the right-hand side, which it leaves alone, with refinement.
// It fails if the result is not finite.
func (k *kkt) solve(bx, bz, x, z []float64, identity bool, tol tolerance) bool {
	const (
		maxSteps = 10
		rel      = 1e-13
		stall    = 5 // a correction that gains less is the last
		cycles   = 3
	)
	k.direct(bx, bz, x, z)
	if tol.trust && k.ldl.Replaced == 0 {
		if norm := dense.Dot(x, x) + dense.Dot(z, z); !math.IsNaN(norm) && !math.IsInf(norm, 0) {
			k.left = 0
			return true
		}
	}
	size := max(dense.NormInf(bx), dense.NormInf(bz))
	bound := tol.abs + rel*size
	norm := k.residual(bx, bz, x, z, identity)
	for range maxSteps {
		if !(norm > bound) || math.IsInf(norm, 0) {
			break
		}
		k.steps++
		k.direct(k.rx, k.rz, k.cx, k.cz)
		dense.Axpy(1, k.cx, x)
		dense.Axpy(1, k.cz, z)
		last := norm
		norm = k.residual(bx, bz, x, z, identity)
		if !(norm < last) {
			dense.Axpy(-1, k.cx, x)
			dense.Axpy(-1, k.cz, z)
			norm = k.residual(bx, bz, x, z, identity)
			break
		}
		if norm*stall > last {
			break
		}
	}
	// A singular system without a solution is best left to the regularization,
	// which answers with a ray.
	hopeless := 1e-2 * size
	for range cycles {
		if !(norm < hopeless) || dense.NormInf(k.rx) <= tol.okX && dense.NormInf(k.rz) <= tol.okZ {
			break
		}
		last := norm
		norm = k.gmres(bx, bz, x, z, norm, min(tol.okX, tol.okZ)/2, identity)
		if norm*stall > last {
			break
		}
	}
	k.left = norm / (tol.abs + size)
	return !math.IsNaN(norm) && !math.IsInf(norm, 0)
}
