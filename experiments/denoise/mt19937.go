package denoise

import "math"

// mt19937 is the Mersenne Twister of Matsumoto and Nishimura (1998), and the
// distributions that numpy's legacy RandomState draws from it, whose stream
// numpy has frozen. The data of the paper are a function of it and the seed 0.
type mt19937 struct {
	state  [624]uint32
	next   int
	spare  float64 // the second normal number of a pair
	spared bool
}

func newMT19937(seed uint32) *mt19937 {
	m := &mt19937{next: len(mt19937{}.state)}
	for i := range m.state {
		m.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return m
}

// uint32 is one number of the generator.
func (m *mt19937) uint32() uint32 {
	const n, middle = len(m.state), 397
	if m.next == n {
		for i := range n {
			y := m.state[i]&0x80000000 | m.state[(i+1)%n]&0x7fffffff
			x := m.state[(i+middle)%n] ^ y>>1
			if y&1 != 0 {
				x ^= 0x9908b0df
			}
			m.state[i] = x
		}
		m.next = 0
	}
	y := m.state[m.next]
	m.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// float64 is random_sample: 53 bits in [0, 1).
func (m *mt19937) float64() float64 {
	a, b := m.uint32()>>5, m.uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// normal is randn: Marsaglia's polar method, which makes two numbers at a time.
func (m *mt19937) normal() float64 {
	if m.spared {
		m.spared = false
		return m.spare
	}
	for {
		x, y := 2*m.float64()-1, 2*m.float64()-1
		r := x*x + y*y
		if r >= 1 || r == 0 {
			continue
		}
		f := math.Sqrt(-2 * math.Log(r) / r)
		m.spare, m.spared = f*x, true
		return f * y
	}
}

// upTo is uniform on 0, ..., limit, by rejection under a mask of bits. Where
// there is nothing to choose it draws nothing.
func (m *mt19937) upTo(limit uint32) uint32 {
	if limit == 0 {
		return 0
	}
	mask := limit
	for s := 1; s < 32; s *= 2 {
		mask |= mask >> s
	}
	for {
		if v := m.uint32() & mask; v <= limit {
			return v
		}
	}
}

// intn is randint(low, high).
func (m *mt19937) intn(low, high int) int { return low + int(m.upTo(uint32(high-low-1))) }

// choose is choice(n, k, replace=False): the head of a permutation of 0, ..., n−1.
func (m *mt19937) choose(n, k int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := m.upTo(uint32(i))
		p[i], p[j] = p[j], p[i]
	}
	return p[:k]
}
