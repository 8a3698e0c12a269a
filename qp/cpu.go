package qp

import (
	"context"
	"errors"
)

type cpuEngine struct{}

func (cpuEngine) Plan(sh Shape, opt *Options) (Plan, error) { return cpuPlan{}, nil }

type cpuPlan struct{}

func (cpuPlan) NewState(size int, want Output) (State, error)    { return cpuState{}, nil }
func (cpuPlan) Bytes(size int, want Output) (host, device int64) { return 0, 0 }
func (cpuPlan) Method() string                                   { return "stub" }

type cpuState struct{}

func (cpuState) Solve(ctx context.Context, dst *Solution, b *Batch) error { return errors.New("todo") }
func (cpuState) VJP(ctx context.Context, dst *Gradient, up *Point) error  { return errors.New("todo") }
func (cpuState) JVP(ctx context.Context, dst *Tangent, dir *Data) error   { return errors.New("todo") }
func (cpuState) Close() error                                             { return nil }
