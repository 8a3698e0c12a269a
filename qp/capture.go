package qp

import "gonum.org/v1/gonum/mat"

// capture hands a copy of element i's problem to Options.Capture.
func (s *cpuState) capture(w *worker, i int) {
	sh := s.plan.sh
	p := &Problem{}
	val := func(k int) []float64 {
		one := coefs[k].len(sh)
		if one == 0 {
			return nil
		}
		c := &s.cols[k]
		x := append([]float64(nil), c.at(i)...)
		rows, cols := coefDims(sh, k)
		if len(x) == one || rows == 0 {
			return x[:one]
		}
		ld := len(x) / rows // take the padding out
		for r := range rows {
			copy(x[r*cols:(r+1)*cols], x[r*ld:r*ld+cols])
		}
		return x[:one]
	}
	vec := func(k int) mat.Vector {
		if x := val(k); x != nil {
			return mat.NewVecDense(len(x), x)
		}
		return nil
	}
	full := func(k int) mat.Matrix {
		if x := val(k); x != nil {
			r, c := coefDims(sh, k)
			return mat.NewDense(r, c, x)
		}
		return nil
	}
	if sh.Q == Diagonal {
		p.Q = mat.NewDiagDense(sh.N, val(0))
	} else {
		p.Q = full(0)
	}
	p.P, p.A, p.B, p.G = vec(1), full(2), vec(3), full(4)
	p.HL, p.H, p.L, p.U = vec(5), vec(6), vec(7), vec(8)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan.opt.Capture(i, p, w.info)
}
