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
	cost   float64     // of an element, in microseconds
	lanes  dense.Lanes // small elements are solved so many at once; 0: one by one
}

// The cost of an element in microseconds, fitted to measurements of both general
// eliminations with n from 10 to 200, m from n/2 to 2n and p from 0 to n/2, on one
// core of 57 GFLOP/s, by
//
//	fixed + perRow·(n+m+p) + setup·operations + iterations·(matrix·operations + vector·operations)
//
// where products of matrices and of matrices with vectors count apart. They serve
// to choose, and a tenth more or less does not matter; elsewhere it is their
// ratios that count.
const (
	typicalIterations = 9
	costSetup         = 3.0e-5
	costMatrix        = 3.0e-5
	costVector        = 5.6e-5 // of (b) and (c)
	costVectorD       = 7.8e-5 // of (d), with more vectors in between
)

// residualCost is the operations that the residuals of one iteration take: at the
// iterate, and of the Newton system.
func residualCost(sh Shape) float64 {
	n, m, p := float64(sh.N), float64(sh.NIneq), float64(sh.NEq)
	q := n * n
	if sh.Q != Dense {
		q = n
	}
	return 4 * (q + 2*n*p + 2*n*m)
}

func costSchur(sh Shape) float64 {
	n, m, p := float64(sh.N), float64(sh.NIneq), float64(sh.NEq)
	setup := n*p*(p+2*m) + p*m*(m+p) + n*m*m
	tri := n
	if sh.Q == Dense {
		setup += n*n*n/3 + n*n*(m+p)
		tri = n * n
	}
	vector := 4*(tri+2*n*p+p*p+m*m+n*m) + residualCost(sh)
	return 5.3 + 0.2*(n+m+p) + costSetup*setup + typicalIterations*(costMatrix*m*m*m/3+costVector*vector)
}

func costCondensed(sh Shape) float64 {
	n, m, p := float64(sh.N), float64(sh.NIneq), float64(sh.NEq)
	vector := 4*n*n + 8*n*(m+p) + residualCost(sh)
	return 7.4 + 0.12*(n+m+p) + costSetup*n*n*p + typicalIterations*(costMatrix*(n*n*m+n*n*n/3)+costVectorD*vector)
}

func costDiagonal(sh Shape) float64 {
	n, p := float64(sh.N), float64(sh.NEq)
	vector := 8*n*p + 4*p*p + residualCost(sh)
	return 5.3 + 0.2*(n+p) + typicalIterations*(costMatrix*(n*p*p+p*p*p/3)+costVector*vector)
}

func (cpuEngine) Plan(sh Shape, opt *Options) (Plan, error) {
	p := &cpuPlan{sh: sh, opt: opt, cost: costCondensed(sh)}
	schur := costSchur(sh)
	switch {
	case sh.Q == Diagonal && sh.NIneq == 0:
		p.method, p.cost = byDiagonal, costDiagonal(sh)
		p.why = "(c) Schur complement on A over the diagonal Q + D: no rows in G; where Q is not positive: (d)"
	case sh.Q == Zero:
		p.why = "(d) condensed H = ρI + AᵀA/δ + CᵀDC: Q is zero"
	case sh.bounded():
		p.why = "(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: bounds and a Q that is not diagonal, or rows in G"
	case schur < p.cost:
		p.why = fmt.Sprintf("(b) Q factored once, then R + D⁻¹: about %.3g µs against %.3g of (d); where Q is ill-conditioned: (d)", schur, p.cost)
		p.method, p.cost = bySchur, schur
		if sh.Q == Dense && sh.N <= laneVariables && sh.NIneq <= 2*laneVariables {
			p.lanes = dense.BestLanes()
		}
	default:
		p.why = fmt.Sprintf("(d) condensed H = Q + ρI + AᵀA/δ + CᵀDC: about %.3g µs against %.3g of (b)", p.cost, schur)
	}
	return p, nil
}

// derivativeShare is what a derivative costs beside a solve, at most.
const derivativeShare = 0.3

// worthAnother is the work, in microseconds, from which on a second worker is
// worth waking.
const worthAnother = 100

// workers is how many workers a task on so many elements is worth.
func (p *cpuPlan) workers(t task, elements int) int {
	cost := p.cost * float64(elements)
	if t != taskSolve {
		cost *= derivativeShare
	}
	if cost < worthAnother {
		return min(1, elements)
	}
	return min(p.opt.Workers, elements)
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
				return n*dense.Stride(e) + e*dense.Stride(e) + 2*e + 1
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
