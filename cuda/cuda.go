// Package cuda is an engine of package qp on NVIDIA GPUs:
//
//	gpu, err := cuda.Open(0)
//	if err != nil { ... } // errors.Is(err, cuda.ErrNoDevice): there is none
//	defer gpu.Close()
//	solver, err := qp.NewSolver(shape, &qp.Options{Engine: gpu})
//
// and nothing else of a program changes: data and results are arrays of the host,
// and iterates, factors and copies of the data stay on the device with the
// Solution, so that what Batch.Keep names is not transferred again, and a
// derivative transfers cotangents and gradients only.
//
// A block of threads solves one element from start to end. Problems with a
// positive definite, well-conditioned Q are solved that way, by elimination (b)
// of package qp in the space of the inequalities; the tests, tolerances, statuses
// and certificates are those of the CPU. Elements out of the ordinary are handed
// to the CPU, where they were left: those that may be infeasible, do not progress,
// have a Q or an A that is not regular or columns of very different sizes, and
// derivatives that are not unique. Shapes without Q (linear programs), and the rule
// qp.Smoothed for derivatives, are the CPU's altogether. Handed counts them.
//
// The driver is loaded at run time, without cgo, and no CUDA toolkit is needed.
// docs/GPU.md describes the kernels.
package cuda

import (
	"errors"
	"fmt"
	"sync"

	"github.com/optnet-go/optnet/internal/cudadrv"
	"github.com/optnet-go/optnet/qp"
)

var (
	// ErrNoDevice is wrapped by the error of Open and Devices where there is no
	// NVIDIA driver, or no such device.
	ErrNoDevice = errors.New("cuda: no CUDA device")
	// ErrOldDriver is wrapped where the driver is too old for this package, or the
	// device: compute capability 8.0 (A100) is the least.
	ErrOldDriver = errors.New("cuda: driver or device too old")
	// ErrOutOfMemory is wrapped where device memory does not suffice.
	ErrOutOfMemory = cudadrv.ErrOutOfMemory
	// ErrLost is wrapped where the device failed for good. Its Solutions are of no
	// more use, and the process has to be started again to use the device.
	ErrLost = cudadrv.ErrLost
)

var errClosed = fmt.Errorf("%w: the engine is closed; open another, and make a new Solver with it", ErrNoDevice)

// Error is a call of the NVIDIA driver that failed.
type Error = cudadrv.Error

// Device describes a device.
type Device struct {
	Ordinal         int    `json:"ordinal"`
	Name            string `json:"name"`
	Memory          int64  `json:"memory"` // bytes
	Major           int    `json:"major"`  // compute capability
	Minor           int    `json:"minor"`
	Multiprocessors int    `json:"multiprocessors"`
	SharedMemory    int    `json:"shared_memory"` // of a block at most, in bytes
	ClockKHz        int    `json:"clock_khz"`
	Driver          string `json:"driver"` // the version of CUDA that the driver supports
}

// Devices lists the devices of this machine.
func Devices() ([]Device, error) { return devices("") }

func devices(path string) ([]Device, error) {
	drv, err := cudadrv.Open(path)
	if err != nil {
		return nil, opening(err)
	}
	n, err := drv.Count()
	if err != nil {
		return nil, opening(err)
	}
	list := make([]Device, n)
	for i := range list {
		p, err := drv.Properties(i)
		if err != nil {
			return nil, opening(err)
		}
		list[i] = Device{
			Ordinal: i, Name: p.Name, Memory: p.Memory, Major: p.Major, Minor: p.Minor,
			Multiprocessors: p.Multiprocessors, SharedMemory: p.SharedBlock, ClockKHz: p.ClockKHz,
			Driver: fmt.Sprintf("%d.%d", p.DriverVersion/1000, p.DriverVersion%1000/10),
		}
	}
	return list, nil
}

// opening gives an error of the driver this package's sentinel.
func opening(err error) error {
	switch {
	case errors.Is(err, cudadrv.ErrNoDriver), errors.Is(err, cudadrv.ErrNoDevice):
		return fmt.Errorf("%w: %w", ErrNoDevice, err)
	case errors.Is(err, cudadrv.ErrOldDriver):
		return fmt.Errorf("%w: %w", ErrOldDriver, err)
	}
	return fmt.Errorf("cuda: opening a device: %w", err)
}

// Engine solves on one or more devices. It is safe for concurrent use.
type Engine struct {
	gpus []*gpu

	// For tests: groups of blocks take elements of any size, of so many blocks if that is
	// not 0, and are not clusters.
	groups      bool
	blocks      int
	cooperative bool

	mixed bool // see OpenMixed

	mu     sync.Mutex
	handed Handed
}

// gpu is a device with its code.
type gpu struct {
	*cudadrv.Device
	mod   *cudadrv.Module
	one   kernels    // a block takes an element
	near  kernels    // the same, with vectors in shared memory
	mixed kernels    // the same, but iterations factor in float32
	small [2]kernels // a warp does, of up to 16 and of up to 32
	sums  *cudadrv.Function

	lanes    *lanes
	stretch  int  // bytes of a stretch at least
	pageable bool // for tests: as if there were no pinned memory

	mu       sync.Mutex
	groupMod *cudadrv.Module    // loaded when a plan wants it
	clusters bool               // its groups are clusters
	fit      [groupMost + 1]int // how many groups of so many blocks run at once
	group    kernels            // a group of blocks does
}

// kernels are the steps of a batch; without prepare, solve does that too.
type kernels struct{ prepare, solve, vjp, jvp *cudadrv.Function }

// Open opens devices, by their ordinals; without any, device 0. With several, each
// batch is split over them.
func Open(ordinals ...int) (*Engine, error) { return open("", ordinals) }

// OpenMixed is Open for a mode of mixed precision: iterations factor in float32, and
// solutions, residuals, the factors of active sets and derivatives are those of float64,
// held to the same tests. An element of which a refinement gains less than a factor of 10
// goes on in float64; Handed counts them. The mode is for shapes of which the largest
// of variables, equalities and inequalities is between 33 and 255; others are solved as
// by Open, and so are all if Options.Trace is set. docs/GPU.md says what it gains.
func OpenMixed(ordinals ...int) (*Engine, error) {
	e, err := Open(ordinals...)
	if err == nil {
		e.mixed = true
	}
	return e, err
}

func open(path string, ordinals []int) (*Engine, error) {
	drv, err := cudadrv.Open(path)
	if err != nil {
		return nil, opening(err)
	}
	if len(ordinals) == 0 {
		ordinals = []int{0}
	}
	e := &Engine{}
	for _, i := range ordinals {
		g, err := newGPU(drv, i)
		if err != nil {
			e.Close()
			return nil, opening(err)
		}
		e.gpus = append(e.gpus, g)
	}
	return e, nil
}

func newGPU(drv *cudadrv.Driver, ordinal int) (*gpu, error) {
	d, err := drv.OpenDevice(ordinal)
	if err != nil {
		return nil, err
	}
	g := &gpu{Device: d, stretch: stretchBytes}
	g.lanes = newLanes(g)
	if err := g.load(); err != nil {
		d.Close()
		return nil, err
	}
	return g, nil
}

func (g *gpu) load() error {
	if g.Major < 8 {
		return fmt.Errorf("%w: device %d (%s) has compute capability %d.%d, want 8.0 or more", cudadrv.ErrOldDriver, g.Ordinal, g.Name, g.Major, g.Minor)
	}
	if err := g.Enter(); err != nil {
		return err
	}
	defer g.Leave()
	var err error
	if g.mod, err = g.code(images); err != nil {
		return err
	}
	if err := g.one.find(g, g.mod, "", true); err != nil {
		return err
	}
	if err := g.near.find(g, g.mod, "_near", false); err != nil {
		return err
	}
	g.near.prepare = g.one.prepare
	g.mixed = g.near
	if g.mixed.solve, err = g.mod.Function("qp_solve_mixed"); err != nil {
		return err
	}
	if err := g.mixed.solve.AllowShared(g.SharedBlock - staticBytes); err != nil {
		return err
	}
	for k, suffix := range []string{"_small16", "_small32"} {
		if err := g.small[k].find(g, g.mod, suffix, false); err != nil {
			return err
		}
	}
	g.sums, err = g.mod.Function("qp_sums")
	return err
}

// code loads the first image that the device takes.
func (g *gpu) code(images func(major, minor int) [][]byte) (mod *cudadrv.Module, err error) {
	for _, image := range images(g.Major, g.Minor) {
		if mod, err = g.Load(image); err == nil {
			return mod, nil
		}
	}
	return nil, err
}

// find looks the kernels up in a module; prepares says that one of them prepares.
func (k *kernels) find(g *gpu, mod *cudadrv.Module, suffix string, prepares bool) error {
	type name struct {
		fn   **cudadrv.Function
		name string
	}
	names := []name{{&k.solve, "qp_solve"}, {&k.vjp, "qp_vjp"}, {&k.jvp, "qp_jvp"}}
	if prepares {
		names = append(names, name{&k.prepare, "qp_prepare"})
	}
	for _, f := range names {
		var err error
		if *f.fn, err = mod.Function(f.name + suffix); err != nil {
			return err
		}
		if err := (*f.fn).AllowShared(g.SharedBlock - staticBytes); err != nil {
			return err
		}
	}
	return nil
}

// forGroups loads the kernels for large problems, once.
func (g *gpu) forGroups(cooperative bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.groupMod != nil {
		return nil
	}
	if err := g.Enter(); err != nil {
		return err
	}
	defer g.Leave()
	g.clusters = g.Major >= 9 && g.Clusters() && !cooperative
	code := groupImages
	if g.clusters {
		code = clusterImages
	}
	mod, err := g.code(code)
	if err != nil {
		return err
	}
	if err := g.group.find(g, mod, "_group", true); err != nil {
		mod.Unload()
		return err
	}
	if err := g.fitting(); err != nil {
		mod.Unload()
		return err
	}
	g.groupMod = mod
	return nil
}

// fitting finds out how many groups of blocks run at once.
func (g *gpu) fitting() error {
	if !g.clusters {
		for k := range g.fit {
			g.fit[k] = g.Multiprocessors / max(k, 1)
		}
		return nil
	}
	for _, f := range []*cudadrv.Function{g.group.prepare, g.group.solve, g.group.vjp, g.group.jvp} {
		if err := f.AllowClusters(); err != nil {
			return err
		}
	}
	c := new(cudadrv.Clusters)
	for k := 1; k <= groupMost; k++ {
		n, err := c.Active(g.group.solve, k, groupThreads, blockBytes+groupBytes)
		if err != nil && k <= 8 { // more is not for every device
			return err
		}
		g.fit[k] = n
	}
	return nil
}

// Close gives the devices back. Solutions of solvers that use the engine are to be
// closed before.
func (e *Engine) Close() error {
	var errs []error
	for _, g := range e.gpus {
		if err := g.Enter(); err == nil {
			errs = append(errs, g.lanes.close(), g.mod.Unload())
			if g.groupMod != nil {
				errs = append(errs, g.groupMod.Unload())
			}
			g.Leave()
		}
		errs = append(errs, g.Device.Close())
	}
	e.gpus = nil
	return errors.Join(errs...)
}

// Handed counts what the devices left to the CPU, and float32 to float64.
type Handed struct {
	Elements    int64 // that were solved
	Solves      int64 // of these, handed over
	Derived     int64 // elements that were differentiated
	Derivatives int64 // of these, handed over
	Mixed       int64 // elements of which iterations were begun in float32: see OpenMixed
	Fell        int64 // of these, gone on with in float64
}

// Handed is the count since the engine was opened.
func (e *Engine) Handed() Handed {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.handed
}

func (e *Engine) count(h Handed) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handed.Elements += h.Elements
	e.handed.Solves += h.Solves
	e.handed.Derived += h.Derived
	e.handed.Derivatives += h.Derivatives
	e.handed.Mixed += h.Mixed
	e.handed.Fell += h.Fell
}

// Plan implements [qp.Engine].
func (e *Engine) Plan(sh qp.Shape, opt *qp.Options) (qp.Plan, error) {
	if len(e.gpus) == 0 {
		return nil, errClosed
	}
	if sh.Q == qp.Zero {
		return newHostPlan(e, sh, opt, "Q is zero")
	}
	return newPlan(e, sh, opt)
}
