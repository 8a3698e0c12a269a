package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// signals are cosines of random frequencies, with noise that is correlated.
func signals(d data) (x, y []float64) {
	rates, noise := d.floats("denoise_rates"), d.floats("denoise_noise")
	n := len(noise) / len(rates)
	y = make([]float64, len(noise))
	for k, b := range rates {
		for i := range n {
			y[k*n+i] = math.Cos(b * 2 * math.Pi * float64(i) / float64(n-1))
		}
	}
	for i, v := range y {
		noise[i] += v
	}
	return noise, y
}

// denoise: y = argmin ‖θ(x − y)‖² + λ‖diff y‖², θ a matrix and λ a number that are
// learned. The model has θᵀθ as a parameter in the objective's matrix, and 2θᵀθx in its linear
// part; the gradient of θ follows from theirs.
func denoise(ctx context.Context, d data) error {
	const n, train, batch, epochs = 100, 500, 64, 150
	m := cvx.NewModel()
	y, p, c, lambda := m.Var("y", n), m.Param("P", n, n).PSD(), m.Param("c", n), m.Param("lambda").NonNeg()
	m.Minimize(cvx.Add(cvx.QuadForm(y, p), cvx.Neg(cvx.Dot(c, y)), cvx.Times(lambda, cvx.SumSquares(cvx.Diff(y)))))
	prog, err := m.Compile()
	if err != nil {
		return err
	}
	l, err := layer.New(prog, []string{"P", "c", "lambda"}, []string{"y"}, nil)
	if err != nil {
		return err
	}
	x, z := signals(d)
	X, Y, Xv, Yv := x[:train*n], z[:train*n], x[train*n:], z[train*n:]
	r := rand.New(rand.NewPCG(0, 0)) // of the order of the signals
	var pass layer.Pass
	forward := func(x, theta []float64, lambda float64) error {
		P := matmul(transpose(theta, n, n), n, n, theta, n)
		for i := range n { // to the last bit
			for j := range i {
				P[i*n+j] = P[j*n+i]
			}
		}
		c := matmul(x, len(x)/n, n, P, n)
		for i := range c {
			c[i] *= 2
		}
		return solve(ctx, l, &pass, P, c, []float64{lambda})
	}
	loss := func(x, y, theta []float64, lambda float64) (float64, error) {
		if err := forward(x, theta, lambda); err != nil {
			return 0, err
		}
		v, _ := meanSquare(pass.Vars[0], y)
		return v, nil
	}
	theta, lam := make([]float64, n*n), []float64{0.5}
	for i := range n {
		theta[i*(n+1)] = 1
	}
	// The same with θ = I and the best λ of a grid.
	best, at := math.Inf(1), 0.0
	for k := range 10 {
		v, err := loss(X, Y, theta, 20*float64(k)/9)
		if err != nil {
			return err
		}
		if v < best {
			best, at = v, 20*float64(k)/9
		}
	}
	plain, err := loss(Xv, Yv, theta, at)
	if err != nil {
		return err
	}
	opts := [2]adam{{rate: 1e-2}, {rate: 1e-2}}
	var grad layer.Gradient
	first, err := loss(Xv, Yv, theta, lam[0])
	if err != nil {
		return err
	}
	for range epochs {
		order := r.Perm(train)
		for i := 0; i < train; i += batch {
			idx := order[i:min(i+batch, train)]
			x := rows(X, n, idx)
			if err := forward(x, theta, lam[0]); err != nil {
				return err
			}
			_, g := meanSquare(pass.Vars[0], rows(Y, n, idx))
			if err := pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{g}}); err != nil {
				return err
			}
			// P = θᵀθ and c = 2Px: dP gains 2·dcᵀx, and dθ = θ(dP + dPᵀ).
			dP, dc := grad.Params[0], grad.Params[1]
			outer := matmul(transpose(dc, len(idx), n), n, len(idx), x, n)
			sum := make([]float64, n*n)
			for i := range n {
				for j := range n {
					sum[i*n+j] = dP[i*n+j] + dP[j*n+i] + 2*(outer[i*n+j]+outer[j*n+i])
				}
			}
			opts[0].step(theta, matmul(theta, n, n, sum, n))
			opts[1].step(lam, grad.Params[2])
			lam[0] = math.Max(lam[0], 0)
		}
	}
	last, err := loss(Xv, Yv, theta, lam[0])
	if err != nil {
		return err
	}
	fmt.Printf("    validation     published 0.38692 to 0.01369, here %.5f to %.5f\n", first, last)
	fmt.Printf("    with θ = I     published 0.0897, here %.4f\n", plain)
	fmt.Printf("    λ              published 1.4806, here %.4f\n", lam[0])
	return nil
}
