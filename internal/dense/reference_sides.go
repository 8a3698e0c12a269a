package dense

func violationGo(sign float64, c, side []float64) float64 {
	v := 0.0
	side = side[:len(c)]
	for i, x := range c {
		if e := sign * (x - side[i]); e > v {
			v = e
		}
	}
	return v
}

func slackResidualGo(sign float64, c, side, s, on, r []float64) {
	n := len(c)
	side, s, on, r = side[:n], s[:n], on[:n], r[:n]
	for i, x := range c {
		v := 0.0
		if on[i] != 0 {
			v = sign*(x-side[i]) + s[i]
		}
		r[i] = v
	}
}

func sideSumGo(lam, lo, up []float64) (sum, abs float64) {
	var s, a vec4
	lo, up = lo[:len(lam)], up[:len(lam)]
	for i, l := range lam {
		v := 0.0
		switch {
		case l > 0:
			v = up[i] * l
		case l < 0:
			v = lo[i] * l
		}
		s[i&3] += v
		if v < 0 {
			v = -v
		}
		a[i&3] += v
	}
	return (s[0] + s[1]) + (s[2] + s[3]), (a[0] + a[1]) + (a[2] + a[3])
}

func weighGo(su, lu, sl, ll, d []float64) {
	n := len(d)
	su, lu = su[:n], lu[:n]
	if sl == nil {
		for i := range d {
			d[i] = 1 / (lu[i] / su[i])
		}
		return
	}
	sl, ll = sl[:n], ll[:n]
	for i := range d {
		d[i] = 1 / (lu[i]/su[i] + ll[i]/sl[i])
	}
}

func complementarityGo(target float64, s, l, r, on, ds, dl, q, h []float64) {
	n := len(s)
	l, r, on, q, h = l[:n], r[:n], on[:n], q[:n], h[:n]
	if ds == nil {
		for i, x := range s {
			v := x*l[i] - target*on[i]
			q[i] = v
			h[i] = (l[i]*r[i] - v) / x
		}
		return
	}
	ds, dl = ds[:n], dl[:n]
	for i, x := range s {
		v := (x*l[i] + ds[i]*dl[i]) - target*on[i]
		q[i] = v
		h[i] = (l[i]*r[i] - v) / x
	}
}

func sideStepGo(sign float64, c, s, l, r, q, on, ds, dl []float64) {
	n := len(c)
	s, l, r, q, on, ds, dl = s[:n], l[:n], r[:n], q[:n], on[:n], ds[:n], dl[:n]
	for i, x := range c {
		v := 0.0
		if on[i] != 0 {
			v = -r[i] - sign*x
		}
		ds[i] = v
		dl[i] = -(l[i]*v + q[i]) / s[i]
	}
}

func followMultipliersGo(small, d, dlam []float64, up, lo *Side) {
	n := len(d)
	small, dlam = small[:n], dlam[:n]
	su, lu, qu, dsu, dlu := up.S[:n], up.L[:n], up.Q[:n], up.DS[:n], up.DL[:n]
	sl, ll, ql, dsl, dll, on := lo.S[:n], lo.L[:n], lo.Q[:n], lo.DS[:n], lo.DL[:n], lo.On[:n]
	for i, x := range d {
		if !(x < small[i]) {
			continue
		}
		if lu[i]*sl[i] > ll[i]*su[i] {
			dlu[i] = dlam[i] + dll[i]
			dsu[i] = -(su[i]*dlu[i] + qu[i]) / lu[i]
		} else if on[i] != 0 {
			dll[i] = dlu[i] - dlam[i]
			dsl[i] = -(sl[i]*dll[i] + ql[i]) / ll[i]
		}
	}
}

func maxStepGo(alpha float64, v, dv []float64) float64 {
	dv = dv[:len(v)]
	for i, d := range dv {
		if d < 0 {
			if a := v[i] / -d; a < alpha {
				alpha = a
			}
		}
	}
	return alpha
}

func shiftedDotGo(p float64, s, ds []float64, d float64, l, dl []float64) float64 {
	var t vec4
	n := len(s)
	ds, l, dl = ds[:n], l[:n], dl[:n]
	for i, x := range s {
		t[i&3] += (x + p*ds[i]) * (l[i] + d*dl[i])
	}
	return (t[0] + t[1]) + (t[2] + t[3])
}
