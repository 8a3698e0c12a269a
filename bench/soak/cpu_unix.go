//go:build unix

package main

import (
	"syscall"
	"time"
)

// cpuTime is what the process has used of all processors. Rates are counted by it, so
// that a busy machine does not make them fall.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return wallTime()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
