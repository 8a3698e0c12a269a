package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
	"github.com/optnet-go/optnet/qp"
)

// floats returns an array by name; the archive is part of the program, so that a
// missing one is a mistake here.
func (d data) floats(name string) []float64 {
	a, err := d.Read(name)
	if err != nil {
		panic(err)
	}
	x, err := a.Float64s()
	if err != nil {
		panic(err)
	}
	return x
}

// epochs returns the order of the samples, epoch by epoch.
func (d data) epochs(name string, count int) [][]int {
	a, err := d.Read(name)
	if err != nil {
		panic(err)
	}
	var list [][]int
	for i, k := range a.Data.([]int32) {
		if i%count == 0 {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], int(k))
	}
	return list
}

// relu: y = argmin ‖y − (Wx + b)‖² subject to y ≥ 0, twice, and a linear layer.
func relu(ctx context.Context, d data) error {
	const n, count, steps = 20, 300, 25
	m := cvx.NewModel()
	x, y := m.Param("x", n), m.Var("y", n)
	m.Minimize(cvx.SumSquares(cvx.Sub(y, x)))
	m.SubjectTo(cvx.Geq(y, cvx.Const(0)))
	l, err := compile(m, nil, nil)
	if err != nil {
		return err
	}
	w := [][]float64{d.floats("relu_W1"), d.floats("relu_b1"), d.floats("relu_W2"), d.floats("relu_b2"), d.floats("relu_w"), d.floats("relu_c")}
	opt := make([]adam, len(w))
	for i := range opt {
		opt[i].rate = 1e-2
	}
	X, Y := d.floats("relu_X"), d.floats("relu_Y")
	linear := func(x, w, b []float64, out int) []float64 {
		y := matmul(x, count, n, transpose(w, out, n), out)
		for i := range y {
			y[i] += b[i%out]
		}
		return y
	}
	columns := func(g []float64, out int) []float64 {
		s := make([]float64, out)
		for i, v := range g {
			s[i%out] += v
		}
		return s
	}
	var first, last float64
	var p1, p2 layer.Pass
	var g1, g2 layer.Gradient
	for step := range steps {
		if err := solve(ctx, l, &p1, linear(X, w[0], w[1], n)); err != nil {
			return err
		}
		if err := solve(ctx, l, &p2, linear(p1.Vars[0], w[2], w[3], n)); err != nil {
			return err
		}
		var d3 []float64
		last, d3 = meanSquare(linear(p2.Vars[0], w[4], w[5], 1), Y)
		if step == 0 {
			first = last
		}
		if err := p2.Backward(ctx, &g2, &layer.Outputs{Vars: [][]float64{matmul(d3, count, 1, w[4], n)}}); err != nil {
			return err
		}
		d2 := g2.Params[0]
		if err := p1.Backward(ctx, &g1, &layer.Outputs{Vars: [][]float64{matmul(d2, count, n, w[2], n)}}); err != nil {
			return err
		}
		d1 := g1.Params[0]
		grads := [][]float64{
			matmul(transpose(d1, count, n), n, count, X, n), columns(d1, n),
			matmul(transpose(d2, count, n), n, count, p1.Vars[0], n), columns(d2, n),
			matmul(d3, 1, count, p2.Vars[0], n), columns(d3, 1),
		}
		for i := range w {
			opt[i].step(w[i], grads[i])
		}
	}
	fmt.Printf("    loss           published 1.07967 to 0.74266, here %.5f to %.5f\n", first, last)
	return nil
}

// monotone: y = argmin ‖y − θᵀx‖ subject to y₁ ≤ … ≤ yₘ. Training starts at θ = 0,
// where all rows are weakly active: the derivative is a convention there, Adam's first step
// takes nothing but its signs, and after 20 epochs the path still counts. From starts
// within 1e-6 of 0 the same training ends between 0.57 and 0.79. The rule Smoothed differentiates
// a point inside, where there is a derivative, and pooled outputs pull on each other.
func monotone(ctx context.Context, d data) error {
	const n, m, batch = 20, 10, 16
	mo := cvx.NewModel()
	yhat, y := mo.Param("yhat", m), mo.Var("y", m)
	mo.Minimize(cvx.SumSquares(cvx.Sub(y, yhat))) // the same minimizer as that of the norm
	mo.SubjectTo(cvx.Geq(cvx.Diff(y), cvx.Const(0)))
	l, err := compile(mo, nil, nil)
	if err != nil {
		return err
	}
	if l, err = l.With(&layer.Options{EpsAbs: 1e-12, EpsRel: 1e-12, Rule: qp.Smoothed}); err != nil {
		return err
	}
	var p layer.Pass
	predict := func(x, theta []float64) ([]float64, error) {
		err := solve(ctx, l, &p, matmul(x, len(x)/n, n, theta, m))
		return append([]float64(nil), p.Vars[0]...), err
	}
	truth := d.floats("monotone_theta")
	set := func(which string) (x, y []float64, err error) {
		x = d.floats("monotone_X_" + which)
		z := matmul(x, len(x)/n, n, truth, m)
		for i, v := range d.floats("monotone_noise_" + which) {
			z[i] += v
		}
		err = solve(ctx, l, &p, z)
		return x, append([]float64(nil), p.Vars[0]...), err
	}
	X, Y, err := set("train")
	if err != nil {
		return err
	}
	Xv, Yv, err := set("val")
	if err != nil {
		return err
	}
	validate := func(theta []float64) (float64, error) {
		y, err := predict(Xv, theta)
		loss, _ := meanSquare(y, Yv)
		return loss, err
	}
	theta := make([]float64, n*m)
	opt := adam{rate: 1e-1}
	var grad layer.Gradient
	var losses []float64
	for _, order := range d.epochs("monotone_order", len(X)/n) {
		loss, err := validate(theta)
		if err != nil {
			return err
		}
		losses = append(losses, loss)
		for i := 0; i < len(order); i += batch {
			idx := order[i:min(i+batch, len(order))]
			x := rows(X, n, idx)
			y, err := predict(x, theta)
			if err != nil {
				return err
			}
			_, g := meanSquare(y, rows(Y, m, idx))
			if err := p.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{g}}); err != nil {
				return err
			}
			opt.step(theta, matmul(transpose(x, len(idx), n), n, len(idx), grad.Params[0], m))
		}
	}
	best, err := validate(truth)
	if err != nil {
		return err
	}
	fmt.Printf("    validation     published 6.37966 to 0.56205, here %.5f to %.5f\n", losses[0], losses[len(losses)-1])
	fmt.Printf("    the true model published 0.26380, here %.5f\n", best)
	return nil
}

// resource: the most utility Σ −exp(−αᵢ·unitsᵢ)/αᵢ of a budget B at prices P.
func resource(ctx context.Context, d data) error {
	const m, batch = 10, 4
	mo := cvx.NewModel()
	b, ip, alpha := mo.Param("B").NonNeg(), mo.Param("1/P", m).NonNeg(), mo.Param("alpha", m).NonNeg()
	y, units, t := mo.Var("y", m), mo.Var("units", m), mo.Var("t", m)
	mo.Maximize(cvx.Sum(t))
	mo.SubjectTo(
		cvx.Eq(cvx.Sum(y), b), cvx.Geq(y, cvx.Const(0)),
		cvx.Geq(cvx.Neg(cvx.Exp(cvx.Neg(cvx.Times(alpha, units)))), cvx.Times(alpha, t)),
		cvx.Eq(units, cvx.Times(y, ip)),
	)
	l, err := compile(mo, []string{"B", "1/P", "alpha"}, []string{"y"})
	if err != nil {
		return err
	}
	type set struct{ b, ip, y []float64 }
	var p layer.Pass
	truth := d.floats("resource_alpha")
	draw := func(which string) (s set, err error) {
		s.b, s.ip = d.floats("resource_B_"+which), d.floats("resource_P_"+which)
		for i := range s.ip {
			s.ip[i] = 1 / s.ip[i]
		}
		if err := solve(ctx, l, &p, s.b, s.ip, truth); err != nil {
			return s, err
		}
		s.y = append([]float64(nil), p.Vars[0]...)
		for i, u := range d.floats("resource_U_" + which) {
			s.y[i] *= u
		}
		for i, b := range s.b { // the choices that are seen are noisy, and keep to the budget
			row, sum := s.y[i*m:(i+1)*m], 0.0
			for _, v := range row {
				sum += v
			}
			for k := range row {
				row[k] *= b / sum
			}
		}
		return s, nil
	}
	train, err := draw("train")
	if err != nil {
		return err
	}
	val, err := draw("val")
	if err != nil {
		return err
	}
	loss := func(s set, alpha []float64) (float64, error) {
		err := solve(ctx, l, &p, s.b, s.ip, alpha)
		v, _ := meanSquare(p.Vars[0], s.y)
		return v, err
	}
	a := d.floats("resource_start")
	opt := adam{rate: 1e-2}
	var grad layer.Gradient
	var losses []float64
	for _, order := range d.epochs("resource_order", len(train.b)) {
		v, err := loss(val, a)
		if err != nil {
			return err
		}
		losses = append(losses, v)
		for i := 0; i < len(order); i += batch {
			idx := order[i:min(i+batch, len(order))]
			if err := solve(ctx, l, &p, rows(train.b, 1, idx), rows(train.ip, m, idx), a); err != nil {
				return err
			}
			_, g := meanSquare(p.Vars[0], rows(train.y, m, idx))
			if err := p.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{g}}); err != nil {
				return err
			}
			opt.step(a, grad.Params[2])
			for k := range a {
				a[k] = math.Max(a[k], 0)
			}
		}
	}
	end, err := loss(train, a)
	if err != nil {
		return err
	}
	best, err := loss(val, truth)
	if err != nil {
		return err
	}
	fmt.Printf("    validation     published 0.73061 at the start, here %.5f, then %.5f\n", losses[0], losses[len(losses)-1])
	fmt.Printf("    training       published 0.03574 at the end, here %.5f\n", end)
	fmt.Printf("    the true model published 0.0282, here %.4f\n", best)
	return nil
}

// controller is the model predictive controller of the experiment mpc.
func controller(n, m, horizon int, A, B []float64) (*layer.Layer, error) {
	mo := cvx.NewModel()
	x0, root := mo.Param("x0", n), mo.Param("weights", n).NonNeg()
	x, u := mo.Var("x", horizon, n), mo.Var("u", horizon, m).Bounds(-0.5, 0.5)
	a, b := cvx.Reshape(cvx.Const(A), n, n), cvx.Reshape(cvx.Const(B), n, m)
	cost := cvx.Add(cvx.Dot(root, cvx.SumRows(cvx.Square(x)).T()), cvx.SumSquares(u))
	mo.Minimize(cost)
	mo.SubjectTo(
		cvx.Eq(x.Row(0).T(), x0),
		cvx.Eq(x.Rows(1, horizon), cvx.Add(cvx.Mul(x.Rows(0, horizon-1), a.T()), cvx.Mul(u.Rows(0, horizon-1), b.T()))),
	)
	return compile(mo, []string{"x0", "weights"}, []string{"u"})
}

// mpc: learn the weights of the states from a controller's noisy moves.
func mpc(ctx context.Context, d data) error {
	const n, m, horizon, beta, epochs = 10, 4, 5, 0.5, 20
	A, B, truth := d.floats("mpc_A"), d.floats("mpc_B"), d.floats("mpc_weights")
	l, err := controller(n, m, horizon, A, B)
	if err != nil {
		return err
	}
	var p layer.Pass
	// simulate follows the controller from the first row of the noise; the other rows
	// move the states.
	simulate := func(weights, noise []float64) (states, moves []float64, err error) {
		x := append([]float64(nil), noise[:n]...)
		for t := range len(noise) / n {
			if err := solve(ctx, l, &p, x, weights); err != nil {
				return nil, nil, err
			}
			u := p.Vars[0][:m]
			states, moves = append(states, x...), append(moves, u...)
			if (t+1)*n < len(noise) {
				next := matmul(A, n, n, x, 1)
				for i, v := range matmul(B, n, m, u, 1) {
					next[i] += v + noise[(t+1)*n+i]
				}
				x = next
			}
		}
		return states, moves, nil
	}
	disturbed := func(moves, noise []float64) []float64 {
		v := make([]float64, len(moves))
		for i := range v {
			v[i] = math.Max(-beta, math.Min(beta, moves[i]+0.31622776601*noise[i]))
		}
		return v
	}
	states, moves, err := simulate(truth, d.floats("mpc_noise"))
	if err != nil {
		return err
	}
	seen := disturbed(moves, d.floats("mpc_moves"))
	_, clean, err := simulate(truth, d.floats("mpc_noise_val"))
	if err != nil {
		return err
	}
	val := disturbed(clean, d.floats("mpc_moves_val"))
	best, _ := meanSquare(clean, val)
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1
	}
	opt := adam{rate: 3e-4}
	var grad layer.Gradient
	var losses []float64
	for epoch := range epochs + 1 {
		_, u, err := simulate(weights, d.floats("mpc_noise_val"))
		if err != nil {
			return err
		}
		loss, _ := meanSquare(u, val)
		losses = append(losses, loss)
		if epoch == epochs {
			break
		}
		for t := range len(states) / n {
			if err := solve(ctx, l, &p, states[t*n:(t+1)*n], weights); err != nil {
				return err
			}
			_, g := meanSquare(p.Vars[0][:m], seen[t*m:(t+1)*m])
			up := make([]float64, len(p.Vars[0]))
			copy(up, g)
			if err := p.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{up}}); err != nil {
				return err
			}
			opt.step(weights, grad.Params[1])
		}
		for i := range weights {
			weights[i] = math.Max(weights[i], 0)
		}
	}
	fmt.Printf("    validation     published 0.07279 to 0.065663, here %.5f to %.6f\n", losses[0], losses[len(losses)-1])
	fmt.Printf("    the true model published 0.065556, here %.6f\n", best)
	return nil
}

// adp: the policy u(x) = argmin ½‖Ru‖² + xᵀSu + qᵀu subject to ‖u‖ ≤ 1 is trained
// through 25 steps of a linear system.
func adp(ctx context.Context, d data) error {
	const n, m, horizon, count, steps = 2, 3, 25, 8, 100
	mo := cvx.NewModel()
	// v = Sᵀx + q, computed outside: the derivative of a product is no matter of the solver.
	r, v, u := mo.Param("R", m, m), mo.Param("v", m), mo.Var("u", m)
	mo.Minimize(cvx.Add(cvx.Scale(0.5, cvx.SumSquares(cvx.Mul(r, u))), cvx.Dot(v, u)))
	mo.SubjectTo(cvx.Leq(cvx.Norm2(u), cvx.Const(1)))
	l, err := compile(mo, []string{"R", "v"}, nil)
	if err != nil {
		return err
	}
	A, B := d.floats("adp_A"), d.floats("adp_B")
	R, S, q := d.floats("adp_root"), d.floats("adp_cross"), make([]float64, m)
	noise := d.floats("adp_noise") // count×horizon×n
	passes := make([]layer.Pass, horizon)
	var grad layer.Gradient
	params := [][]float64{R, S, q}
	momentum := [][]float64{make([]float64, m*m), make([]float64, n*m), make([]float64, m)}
	var first, last float64
	for step := range steps {
		x := make([]float64, count*n)
		var xs [][]float64
		cost := 0.0
		for t := range horizon {
			v := matmul(x, count, n, S, m)
			for i := range v {
				v[i] += q[i%m]
			}
			if err := solve(ctx, l, &passes[t], R, v); err != nil {
				return err
			}
			u := passes[t].Vars[0]
			xs = append(xs, x)
			for _, z := range [][]float64{x, u} {
				for _, w := range z {
					cost += w * w / horizon / count
				}
			}
			next := matmul(x, count, n, transpose(A, n, n), n)
			for i, w := range matmul(u, count, m, transpose(B, n, m), n) {
				next[i] += w + noise[(i/n*horizon+t)*n+i%n]
			}
			x = next
		}
		if step == 0 {
			first = cost
		}
		last = cost
		gR, gS, gq := make([]float64, m*m), make([]float64, n*m), make([]float64, m)
		dx := make([]float64, count*n) // of the next state
		for t := horizon - 1; t >= 0; t-- {
			u := passes[t].Vars[0]
			du := matmul(dx, count, n, B, m)
			for i := range du {
				du[i] += 2 * u[i] / horizon / count
			}
			if err := passes[t].Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{du}}); err != nil {
				return err
			}
			dv := grad.Params[1]
			for i, g := range grad.Params[0] {
				gR[i] += g
			}
			for i, g := range matmul(transpose(xs[t], count, n), n, count, dv, m) {
				gS[i] += g
			}
			for i, g := range dv {
				gq[i%m] += g
			}
			dx = matmul(dx, count, n, A, n)
			for i, g := range matmul(dv, count, m, transpose(S, n, m), n) {
				dx[i] += g + 2*xs[t][i]/horizon/count
			}
		}
		for k, g := range [][]float64{gR, gS, gq} {
			for i := range g {
				momentum[k][i] = 0.9*momentum[k][i] + g[i]
				params[k][i] -= 0.02 * momentum[k][i]
			}
		}
	}
	fmt.Printf("    average cost   published 1.51906 to 0.910299, here %.4f to %.5f\n", first, last)
	return nil
}

// poison: how the loss on test data grows when the training data of a regularized
// logistic regression move by at most 0.01 an entry, along the sign of the gradient.
func poison(ctx context.Context, _ data) error {
	const n, count = 2, 30
	r := rand.New(rand.NewPCG(0, 0))
	blobs := func() (x, y []float64) { // two clouds at (2, 2) and (−2, −2), deviation 3
		for i := range count {
			label := float64(i % 2)
			for range n {
				x = append(x, 2-4*label+3*r.NormFloat64())
			}
			y = append(y, label)
		}
		return x, y
	}
	X, Y := blobs()
	Xt, Yt := blobs()
	m := cvx.NewModel()
	x, yx := m.Param("X", count, n), m.Param("Yᵀ·(X 1)", n+1)
	beta, b := m.Var("beta", n), m.Var("b")
	likelihood := cvx.Sub(cvx.Dot(yx, cvx.VStack(beta, b)), cvx.Sum(cvx.Logistic(cvx.Add(cvx.Mul(x, beta), b))))
	m.Maximize(cvx.Sub(cvx.Scale(1.0/count, likelihood), cvx.Scale(0.1, cvx.Add(cvx.Norm1(beta), cvx.SumSquares(beta)))))
	l, err := compile(m, nil, []string{"beta", "b"})
	if err != nil {
		return err
	}
	var p layer.Pass
	// loss fits the model to X and returns its loss on the test data, with the
	// gradient with respect to beta and b.
	loss := func(X []float64) (v float64, up *layer.Outputs, err error) {
		sums := append(matmul(Y, 1, count, X, n), 0)
		for _, y := range Y {
			sums[n] += y
		}
		if err := solve(ctx, l, &p, X, sums); err != nil {
			return 0, nil, err
		}
		db, d := make([]float64, n), []float64{0}
		for i := range count {
			z := p.Vars[1][0]
			for k := range n {
				z += p.Vars[0][k] * Xt[i*n+k]
			}
			v += (math.Log1p(math.Exp(z)) - Yt[i]*z) / count
			g := (1/(1+math.Exp(-z)) - Yt[i]) / count
			d[0] += g
			for k := range n {
				db[k] += g * Xt[i*n+k]
			}
		}
		return v, &layer.Outputs{Vars: [][]float64{db, d}}, nil
	}
	before, up, err := loss(X)
	if err != nil {
		return err
	}
	var grad layer.Gradient
	if err := p.Backward(ctx, &grad, up); err != nil {
		return err
	}
	predicted := 0.0
	for i := range X {
		g := grad.Params[0][i] + Y[i/n]*grad.Params[1][i%n]
		predicted += 0.01 * math.Abs(g)
		X[i] += math.Copysign(0.01, g)
	}
	after, _, err := loss(X)
	if err != nil {
		return err
	}
	fmt.Printf("    test loss      published only as a picture, here %.4f to %.4f\n", before, after)
	fmt.Printf("    its increase   %.1e, predicted by the gradient %.1e\n", after-before, predicted)
	return nil
}
