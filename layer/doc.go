// Package layer makes differentiable layers of optimization problems: a [Layer] is
// a compiled model, or a ready-made one, as a batched map from parameters to
// solutions, with its derivative backward and forward.
//
//	l, err := layer.New(prog, []string{"F", "g"}, []string{"x"}, nil)
//	var pass layer.Pass
//	err = l.Forward(ctx, &pass, f, g)          // pass.Vars[0] is x
//	err = pass.Backward(ctx, &grad, &layer.Outputs{Vars: [][]float64{dx}})
//
// Arrays are row-major, batch first. A parameter has the length of one value,
// shared by the batch, or Size times that, one per element; its gradient has the
// same length, and that of a shared parameter is the sum over the batch.
//
// A Layer is a plan: immutable, safe for concurrent use. A [Pass] owns what a
// forward pass leaves behind, and the derivatives are its methods. It serves one
// goroutine at a time; two forward passes in flight are two Passes.
//
// Linear and quadratic programs that are small go to package qp, which solves
// dense batches, on the CPU or by any of its engines; others to package conic.
//
// How an element ended is in Pass.Info. An element that is not solved, or that
// got a parameter against its declaration (NaN, a negative entry of a NonNeg
// one), has a status and a reason, does not touch its neighbours, and has a zero
// gradient.
package layer
