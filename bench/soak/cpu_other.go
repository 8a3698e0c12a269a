//go:build !unix

package main

import "time"

// cpuTime is the wall time where the process's own is not known.
func cpuTime() time.Duration { return wallTime() }
