package main

import (
	"context"
	"errors"

	"github.com/optnet-go/optnet/conic"
)

// solveCone solves a cone program.
func (s *solving) solveCone(ctx context.Context, p *conic.Problem, objective func(float64) float64) (*answer, error) {
	return nil, errors.New("cone programs, and QPs too large for the dense solver, are not solved yet")
}

// diagnoseCone explains a cone program.
func (s *solving) diagnoseCone(ctx context.Context, p *problem) (*diagnosis, error) {
	return nil, errors.New("cone programs, and QPs too large for the dense solver, are not solved yet")
}

// ofCone differentiates a cone program.
func (g *gradient) ofCone(ctx context.Context, p *problem) (*gradReport, error) {
	return nil, errors.New("cone programs, and QPs too large for the dense solver, are not solved yet")
}

// benchCone makes a cone program ready.
func (s *solving) benchCone(ctx context.Context, p *conic.Problem) (*benched, error) {
	return nil, errors.New("cone programs, and QPs too large for the dense solver, are not solved yet")
}
