package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/optnet-go/optnet/cvx"
	"github.com/optnet-go/optnet/layer"
)

// The market of the experiment vix: seven funds in five regimes of volatility. The published
// one is estimated from prices and the VIX index, which are not part of this program. Its
// means and deviations a year are; correlations and the chain of regimes are made up.
const (
	assets  = 7
	regimes = 5
	days    = 250
)

var (
	yearlyMean = [regimes][assets]float64{ // GLD, IWM, LQD, MUB, SHY, SLV, VTI
		{-0.0817, 0.3773, 0.0268, 0.0097, -0.0021, -0.0283, 0.3874},
		{0.0012, 0.3539, 0.0423, 0.0336, 0.0024, -0.0823, 0.3148},
		{0.0308, 0.2736, 0.0656, 0.0419, 0.0109, 0.16, 0.2726},
		{0.2257, -0.0335, 0.0951, 0.0316, 0.0299, 0.3479, -0.0555},
		{0.259, -0.4192, 0.0838, 0.0841, 0.0464, 0.0905, -0.3552},
	}
	yearlyDeviation = [regimes][assets]float64{
		{0.1216, 0.1118, 0.0453, 0.0247, 0.0076, 0.1851, 0.068},
		{0.151, 0.1405, 0.0527, 0.0358, 0.0085, 0.2586, 0.1025},
		{0.1586, 0.1737, 0.0513, 0.0515, 0.0105, 0.2978, 0.1356},
		{0.1853, 0.2304, 0.0612, 0.0456, 0.0154, 0.3298, 0.183},
		{0.2616, 0.4623, 0.1732, 0.1021, 0.02, 0.4562, 0.3908},
	}
	factors = [3][assets]float64{ // stocks, metals, bonds: loadings, of correlation 1 with the rest of each fund's own
		{0.1, 0.95, 0, 0, -0.3, 0.25, 0.97},
		{0.9, 0, 0.1, 0, 0.1, 0.8, 0},
		{0.2, 0, 0.8, 0.6, 0.6, 0, 0},
	}
)

// root is R such that RᵀR is the daily covariance in a regime: one row a factor, and
// one a fund.
func root(regime int) []float64 {
	rows := len(factors) + assets
	R := make([]float64, rows*assets)
	for j := range assets {
		own := 1.0
		dev := yearlyDeviation[regime][j] / math.Sqrt(days)
		for k := range factors {
			R[k*assets+j] = factors[k][j] * dev
			own -= factors[k][j] * factors[k][j]
		}
		R[(len(factors)+j)*assets+j] = math.Sqrt(max(own, 0.01)) * dev
	}
	return R
}

// policy is the trading policy: the most return, less the risk, the cost of short positions
// and of trades, at weights that add up to 1. Its parameters are the weights before
// the trade, the expected returns, the root of the covariance, and the three prices that are learned.
func policy() (*layer.Layer, error) {
	m := cvx.NewModel()
	rows := len(factors) + assets
	w, u, f := m.Var("w", assets), m.Var("u", assets), m.Var("f", rows)
	before, alpha, S := m.Param("before", assets), m.Param("alpha", assets), m.Param("S", rows, assets)
	s, kappa, gamma := m.Param("s").NonNeg(), m.Param("kappa").NonNeg(), m.Param("gamma").NonNeg()
	m.Maximize(cvx.Sub(cvx.Dot(alpha, w), cvx.Add(
		cvx.Times(gamma, cvx.SumSquares(f)),
		cvx.Times(s, cvx.Sum(cvx.NegPart(w))),
		cvx.Times(kappa, cvx.Norm1(u)),
	)))
	m.SubjectTo(
		cvx.Eq(cvx.Sum(w), cvx.Const(1)), cvx.Leq(cvx.Norm1(w), cvx.Const(1.5)), cvx.Leq(cvx.NormInf(w), cvx.Const(0.5)),
		cvx.Eq(f, cvx.Mul(S, w)), cvx.Eq(u, cvx.Sub(w, before)),
	)
	return compile(m, []string{"before", "alpha", "S", "s", "kappa", "gamma"}, []string{"w"})
}

// trader simulates a policy over days and paths, and differentiates what came of it.
type trader struct {
	l        *layer.Layer
	steps    int
	paths    int
	pass     []*layer.Pass
	learned  [3][regimes]float64 // logarithms of s, κ and γ
	means    [regimes][]float64
	roots    [regimes][]float64
	chance   [regimes][regimes]float64
	gradient [3][regimes]float64
}

func newTrader(steps, paths int) (*trader, error) {
	l, err := policy()
	if err != nil {
		return nil, err
	}
	t := &trader{l: l, steps: steps, paths: paths}
	for range steps + 1 {
		t.pass = append(t.pass, new(layer.Pass))
	}
	for k := range regimes {
		t.learned[0][k], t.learned[1][k], t.learned[2][k] = math.Log(0.0002), math.Log(0.001), math.Log(5)
		t.means[k] = make([]float64, assets)
		for j := range assets {
			t.means[k][j] = yearlyMean[k][j] / days
		}
		t.roots[k] = root(k)
		for j := range regimes { // they last ten days
			switch {
			case j == k:
				t.chance[k][j] = 0.9
			case j == k-1 || j == k+1:
				t.chance[k][j] = 0.05
			}
		}
	}
	t.chance[0][0], t.chance[regimes-1][regimes-1] = 0.95, 0.95
	return t, nil
}

// trade solves the policy on step i for the paths' regimes.
func (t *trader) trade(ctx context.Context, i int, before []float64, regime []int, free bool) ([]float64, error) {
	var alpha, S []float64
	var price [3][]float64
	for _, k := range regime {
		alpha, S = append(alpha, t.means[k]...), append(S, t.roots[k]...)
		for c := range price {
			v := math.Exp(t.learned[c][k])
			if c == 1 && free {
				v = 0
			}
			price[c] = append(price[c], v)
		}
	}
	err := solve(ctx, t.l, t.pass[i], before, alpha, S, price[0], price[1], price[2])
	return t.pass[i].Vars[0], err
}

// outcome is what is measured: returns and volatility are percent a year.
type outcome struct{ objective, earned, volatility, drawdown float64 }

// run simulates, and, if asked to, fills the gradient of the objective with respect to
// the learned prices.
func (t *trader) run(ctx context.Context, seed uint64, backward bool) (out outcome, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	B, T := t.paths, t.steps
	regime := make([]int, B)
	w, err := t.trade(ctx, T, make([]float64, B*assets), regime, true) // the first portfolio is free
	if err != nil {
		return out, err
	}
	w = append([]float64(nil), w...)
	states := make([][]int, T)
	before, moves := make([][]float64, T), make([][]float64, T) // weights before the trade, and the day's returns
	R, v := make([][]float64, T), make([][]float64, T+1)
	v[0] = make([]float64, B)
	for b := range B {
		v[0][b] = 1
	}
	for i := range T {
		states[i], before[i] = append([]int(nil), regime...), w
		after, err := t.trade(ctx, i, w, regime, false)
		if err != nil {
			return out, err
		}
		moves[i], R[i], v[i+1], w = make([]float64, B*assets), make([]float64, B), make([]float64, B), make([]float64, B*assets)
		for b := range B {
			k := regime[b]
			z := make([]float64, len(factors)+assets)
			for j := range z {
				z[j] = r.NormFloat64()
			}
			e := matmul(z, 1, len(z), t.roots[k], assets)
			sum := 0.0
			R[i][b] = 1
			for j := range assets {
				at := b*assets + j
				moves[i][at] = math.Exp(t.means[k][j]+e[j]) - 1
				a := after[at]
				R[i][b] += a*moves[i][at] - 0.001*math.Abs(a-before[i][at]) - 0.0002*min(a, 0)
				w[at] = a * (1 + moves[i][at])
				sum += w[at]
			}
			for j := range assets {
				w[b*assets+j] /= sum
			}
			v[i+1][b] = v[i][b] * R[i][b]
			p := r.Float64()
			for next, c := range t.chance[k] {
				if p -= c; p < 0 {
					regime[b] = next
					break
				}
			}
		}
	}
	// The objective: −return/volatility + drawdown.
	sigma := make([]float64, B)
	peak, top := make([][]int, B), make([]int, B)
	for b := range B {
		for i := range T {
			out.earned += 100 * 252 * (R[i][b] - 1) / float64(B*T)
			sigma[b] += (R[i][b] - 1) * (R[i][b] - 1) / float64(T)
		}
		sigma[b] = math.Sqrt(sigma[b])
		out.volatility += 100 * math.Sqrt(252) * sigma[b] / float64(B)
		for i := range T + 1 {
			if v[i][b] > v[top[b]][b] {
				top[b] = i
			}
			peak[b] = append(peak[b], top[b])
			out.drawdown += 100 * (v[top[b]][b]/v[i][b] - 1) / float64(B*(T+1))
		}
	}
	out.objective = -out.earned/out.volatility + out.drawdown
	if backward {
		err = t.backward(ctx, &out, states, before, moves, R, v, sigma, peak)
	}
	return out, err
}

func (t *trader) backward(ctx context.Context, out *outcome, states [][]int, before, moves, R, v [][]float64, sigma []float64, peak [][]int) error {
	B, T := t.paths, t.steps
	t.gradient = [3][regimes]float64{}
	// By the value at the end of each day, and by the return of each day.
	gv, gR := make([][]float64, T+1), make([][]float64, T)
	for i := range gv {
		gv[i] = make([]float64, B)
	}
	share := 100 / float64(B*(T+1))
	for b := range B {
		for i := range T + 1 {
			top := peak[b][i]
			gv[top][b] += share / v[i][b]
			gv[i][b] -= share * v[top][b] / (v[i][b] * v[i][b])
		}
	}
	for i := range T {
		gR[i] = make([]float64, B)
		for b := range B {
			gR[i][b] = -100 * 252 / float64(B*T) / out.volatility
			gR[i][b] += out.earned / (out.volatility * out.volatility) * 100 * math.Sqrt(252) / float64(B) * (R[i][b] - 1) / (float64(T) * sigma[b])
		}
	}
	for b := range B {
		g := gv[T][b]
		for i := T - 1; i >= 0; i-- {
			gR[i][b] += g * v[i][b]
			g = g*R[i][b] + gv[i][b]
		}
	}
	next := make([]float64, B*assets) // by the weights before the next trade
	var grad layer.Gradient
	collect := func(regime []int, free bool) {
		for b, k := range regime {
			for c := range t.gradient {
				if c != 1 || !free {
					t.gradient[c][k] += grad.Params[3+c][b] * math.Exp(t.learned[c][k])
				}
			}
		}
	}
	for i := T - 1; i >= 0; i-- {
		after := t.pass[i].Vars[0]
		up, direct := make([]float64, B*assets), make([]float64, B*assets)
		for b := range B {
			sum, along := 0.0, 0.0
			for j := range assets {
				at := b*assets + j
				x := after[at] * (1 + moves[i][at])
				sum += x
				along += next[at] * x
			}
			for j := range assets {
				at := b*assets + j
				u := 0.0
				if d := after[at] - before[i][at]; d != 0 {
					u = math.Copysign(0.001, d)
				}
				slope := moves[i][at] - u
				if after[at] < 0 {
					slope -= 0.0002
				}
				up[at] = gR[i][b]*slope + (next[at]-along/sum)/sum*(1+moves[i][at])
				direct[at] = gR[i][b] * u
			}
		}
		if err := t.pass[i].Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{up}}); err != nil {
			return err
		}
		for at := range next {
			next[at] = direct[at] + grad.Params[0][at]
		}
		collect(states[i], false)
	}
	if err := t.pass[T].Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{next}}); err != nil {
		return err
	}
	collect(make([]int, B), true)
	return nil
}

// vix: a policy for each regime of volatility, whose prices of short positions, trades
// and risk are learned through simulations of three years.
func vix(ctx context.Context, _ data) error {
	const steps, paths, rounds, check = 749, 8, 40, 538
	t, err := newTrader(steps, paths)
	if err != nil {
		return err
	}
	first, err := t.run(ctx, check, false)
	if err != nil {
		return err
	}
	opt := adam{rate: 5e-2}
	for k := range rounds {
		if _, err := t.run(ctx, uint64(k), true); err != nil {
			return err
		}
		var x, g []float64
		for c := range t.learned {
			x, g = append(x, t.learned[c][:]...), append(g, t.gradient[c][:]...)
		}
		opt.step(x, g)
		for c := range t.learned {
			copy(t.learned[c][:], x[c*regimes:])
		}
	}
	last, err := t.run(ctx, check, false)
	if err != nil {
		return err
	}
	fmt.Printf("    objective      published -0.555 to -1.58 on prices of funds, here %.3f to %.3f on a market made up\n", first.objective, last.objective)
	fmt.Printf("    return, risk   published 13.5, 7.1 to 17.6, 6.8, here %.1f, %.1f to %.1f, %.1f percent a year\n", first.earned, first.volatility, last.earned, last.volatility)
	fmt.Printf("    drawdown       published 1.36 to 1.01, here %.2f to %.2f percent\n", first.drawdown, last.drawdown)
	return nil
}
