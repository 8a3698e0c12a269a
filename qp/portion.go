package qp

import "sync"

// portion is what a worker is to do of a task: parts from to to−1. It begins at the
// front; one that has nothing left takes from the back of another's. A batch that
// is solved, differentiated and solved again so stays where its data are cached,
// and two workers hardly ever write to the same cache line.
type portion struct {
	mu       sync.Mutex
	from, to int

	next, end int // those that were taken and not begun
}

// atOnce is the work, in microseconds, that a worker takes of its portion at most,
// where others could not help with it any more.
const atOnce = 50

// divide gives each of n workers an equal one.
func (s *cpuState) divide(n, parts int) {
	s.team = s.workers[:n]
	s.most = 1
	if s.task != taskSum {
		s.most = max(1, int(atOnce/s.plan.cost))
	}
	for k, w := range s.team {
		w.portion.from, w.portion.to = parts*k/n, parts*(k+1)/n
		w.portion.next, w.portion.end = 0, 0
	}
}

// take returns the next part for w, or false if there is none left.
func (s *cpuState) take(w *worker) (i int, ok bool) {
	own := &w.portion
	if own.next == own.end {
		own.next, own.end = own.front(s.most)
		for k := 0; own.next == own.end; k++ {
			if k == len(s.team) {
				return 0, false
			}
			own.next, own.end = s.team[k].portion.back(s.most)
		}
	}
	own.next++
	return own.next - 1, true
}

// front takes at most so many parts from the front, and half of what is left at most.
func (p *portion) front(most int) (from, to int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(most, (p.to-p.from+1)/2)
	p.from += n
	return p.from - n, p.from
}

// back takes them from the back.
func (p *portion) back(most int) (from, to int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := min(most, (p.to-p.from+1)/2)
	p.to -= n
	return p.to, p.to + n
}
