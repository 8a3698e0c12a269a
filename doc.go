// Package optnet is the root of the module and holds no code. Solving and
// differentiating quadratic programs is in package qp; the command is in
// cmd/optnet. Conventions, theory and the reasons for decisions are in docs.
package optnet
