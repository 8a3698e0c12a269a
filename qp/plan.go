package qp

import (
	"fmt"

	"github.com/optnet-go/optnet/internal/dense"
)

// cpuEngine solves each element on one goroutine, start to end.
type cpuEngine struct{}

// method is the elimination that a shape suggests.
type method uint8

const (
	byCondensed method = iota // (d)
	byDiagonal                // (c)
	bySchur                   // (b)
)

type cpuPlan struct {
	sh     Shape
	opt    *Options
	method method
	why    string
}

// typicalIterations is what the choice of elimination assumes.
const typicalIterations = 12

func (cpuEngine) Plan(sh Shape, opt *Options) (Plan, error) {
	p := &cpuPlan{sh: sh, opt: opt}
	n, m, e := float64(sh.N), float64(sh.NIneq), float64(sh.NEq)
	perSchur := m*m*m/3 + 4*m*m + 16*n*n + 16*n*e + 16*n*m
	perCondensed := n*n*m + n*n*n/3 + 8*n*n + 16*n*(m+e)
	schur := n*n*n/3 + n*n*(m+e) + n*m*m + n*e*(e+2*m) + e*m*(m+e) + typicalIterations*perSchur
	if sh.Q == Diagonal {
		schur -= n*n*n/3 + n*n*(m+e)
	}
	condensed := n*n*e + typicalIterations*perCondensed
	switch {
	case sh.Q == Diagonal && sh.NIneq == 0:
		p.method = byDiagonal
		p.why = "(c) Schur complement on A over the diagonal Q + D: no rows in G; where Q is not positive: (d)"
	case sh.Q == Zero:
		p.why = "(d) condensed H = ρI + AᵀA/δ + CᵀDC: Q is zero"
	case sh.bounded():
		p.why = "(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: bounds and a Q that is not diagonal, or rows in G"
	case schur < condensed:
		p.method = bySchur
		p.why = fmt.Sprintf("(b) Q factored once, then R + D⁻¹: %.3g Mflop against %.3g of (d) in %d iterations; where Q is ill-conditioned: (d)",
			schur/1e6, condensed/1e6, typicalIterations)
	default:
		p.why = fmt.Sprintf("(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: %.3g Mflop against %.3g of (b) in %d iterations",
			condensed/1e6, schur/1e6, typicalIterations)
	}
	return p, nil
}

func (p *cpuPlan) Method() string { return p.why }

// A stage is a part of the factorization that does not change in the
// iterations: the metric, and the parts of the factorization that depend on Q,
// on A too, or on G too.
const (
	stageMetric = iota
	stageQ
	stageA
	stageG
	numStages
)

// stageLen is the room that one value of a stage takes.
func (p *cpuPlan) stageLen(k int) int {
	sh := p.sh
	n, e, m := sh.N, sh.NEq, sh.NIneq
	if k == stageMetric {
		return scalingLen(sh)
	}
	switch p.method {
	case byDiagonal:
		if k == stageA {
			return n * dense.Stride(e)
		}
	case byCondensed:
		if k == stageA && e > 0 {
			return n * dense.Stride(n)
		}
	case bySchur:
		switch k {
		case stageQ:
			u := 0
			if sh.Q == Dense {
				u = n * dense.Stride(n)
			}
			return u + n + 1
		case stageA:
			if e > 0 {
				return n*dense.Stride(e) + e*dense.Stride(e) + e + 1
			}
		case stageG:
			return m*dense.Stride(m) + m
		}
	}
	return 0
}

// stageDeps are the coefficients that a stage is made of.
func (p *cpuPlan) stageDeps(k int) Coef {
	deps := [numStages]Coef{CoefQ | CoefA | CoefG, CoefQ, CoefQ | CoefA, CoefQ | CoefA | CoefG}[k]
	if p.method == byCondensed && k == stageA {
		return CoefQ | CoefA | CoefG // the metric of the rows of A
	}
	if p.method != bySchur && k != stageMetric {
		deps &^= CoefQ
	}
	return deps
}

func (p *cpuPlan) Bytes(size int, want Output) (host, device int64) {
	const overhead = 4096 // of a worker: its structures, and alignment
	s := p.newState()
	one := 0 // numbers an element
	for k := range s.cols {
		one += s.cols[k].one + s.cols[k].rows + 4
	}
	if want&OutFactors != 0 {
		for k := range s.stages {
			one += s.stages[k].one + 1
		}
		one += keptLen(p.sh) + accumLen(p.sh)
	}
	var own, ways arena
	newWorker(p, &own)
	sub := recessionPlan(p)
	newWorker(sub, &ways)
	ways.used += sub.sh.NEq*(dense.Stride(sub.sh.N)+3) + sub.sh.N + sub.sh.NIneq
	workers := int64(min(p.opt.Workers, max(size, 1)))
	return 8*int64(size+1)*int64(one) + workers*(8*int64(own.used+ways.used)+2*overhead), 0
}
