package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/optnet-go/optnet/cuda"
	"github.com/optnet-go/optnet/qp"
)

// openDevice returns the engine of a device: nil for cpu, and GPUs for cuda:N, or
// cuda:N,M for several.
func openDevice(device string) (qp.Engine, error) {
	ordinals, err := parseDevice(device)
	if err != nil || ordinals == nil {
		return nil, err
	}
	e, err := cuda.Open(ordinals...)
	if errors.Is(err, cuda.ErrNoDevice) {
		return nil, fmt.Errorf("--device %s: %w; see: optnet devices", device, err)
	}
	if err != nil {
		return nil, fmt.Errorf("--device %s: %w", device, err)
	}
	return e, nil
}

// parseDevice returns the ordinals of GPUs, or none for the CPU.
func parseDevice(device string) ([]int, error) {
	if device == "cpu" {
		return nil, nil
	}
	list, ok := strings.CutPrefix(device, "cuda:")
	if device == "cuda" {
		list, ok = "0", true
	}
	var ordinals []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		ok = ok && err == nil && n >= 0
		ordinals = append(ordinals, n)
	}
	if !ok {
		return nil, usagef("--device is %q, want cpu, or cuda:N for GPU number N, or cuda:N,M for several", device)
	}
	return ordinals, nil
}

// checkDevice accepts the CPU, for commands that have no use for another device.
func checkDevice(device string) error {
	if device != "cpu" {
		return usagef("--device is %q, want cpu: other devices are for train, solve, grad and bench", device)
	}
	return nil
}
