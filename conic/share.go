package conic

import (
	"sync"
	"sync/atomic"
)

// share calls f for the elements 0 to size − 1 from so many goroutines, a few neighbours at a
// time. It stops, and returns false, if f does.
func share(size, workers int, f func(worker, i int) bool) bool {
	if workers <= 1 {
		for i := range size {
			if !f(0, i) {
				return false
			}
		}
		return true
	}
	// Elements differ in their time, so that pieces should be many; their results are
	// neighbours in memory, so that pieces should not be single.
	piece := max(1, min(16, size/(8*workers)))
	var next atomic.Int64
	var stopped atomic.Bool
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for !stopped.Load() {
				end := int(next.Add(int64(piece)))
				for i := end - piece; i < min(end, size); i++ {
					if !f(worker, i) {
						stopped.Store(true)
						return
					}
				}
				if end >= size {
					return
				}
			}
		})
	}
	wg.Wait()
	return !stopped.Load()
}
