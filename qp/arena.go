package qp

// arena hands out pieces of one allocation. Without a buffer it only counts,
// so that one function says both what a structure needs and where it lies.
type arena struct {
	buf  []float64
	used int
}

// floats returns n zeroed numbers, aligned to a cache line within the buffer.
func (a *arena) floats(n int) []float64 {
	const line = 8
	start := a.used
	a.used += (n + line - 1) / line * line
	if a.buf == nil {
		return nil
	}
	return a.buf[start : start+n : start+n]
}
