package conic_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/optnet-go/optnet/conic"
	"github.com/optnet-go/optnet/sparse"
)

// source makes numbers of bytes: mostly small ones, and all the evil ones.
type source []byte

func (s *source) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *source) float() float64 {
	switch b := s.byte(); {
	case b < 4:
		return [...]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300}[b]
	case b < 8:
		var w [8]byte
		for i := range w {
			w[i] = s.byte()
		}
		return math.Float64frombits(binary.LittleEndian.Uint64(w[:]))
	case b < 90:
		return 0
	default:
		return float64(int(b)-170) / 16
	}
}

// FuzzSolve solves and differentiates small problems made of anything. Nothing
// panics, what is claimed holds on the data, and what is not solved has no gradient.
func FuzzSolve(f *testing.F) {
	f.Add([]byte("\x01\x02\x01\xc0\xd0\xe0\xf0\xa0\xb0"))
	f.Add([]byte("\x02\x03\x04\x05\xff\xfe\xfd\xfc\xfb\xfa\xf0\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9"))
	f.Add([]byte("\x03\x02\x04\x06\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\xc0\xc1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := source(text)
		n := 1 + int(s.byte())%4
		var cones []conic.Cone
		m := 0
		for range 1 + int(s.byte())%3 {
			c := conic.Cone{Kind: conic.Kind(s.byte() % 7), Size: 1 + int(s.byte())%3}
			switch c.Kind {
			case conic.Power:
				c.Alpha = []float64{float64(1+s.byte()%9) / 10}
			case conic.GenPower:
				c.Alpha = []float64{0.25, 0.75}
			}
			cones = append(cones, c)
			m += c.Dim()
		}
		p := &conic.Problem{Q: make([]float64, n), B: make([]float64, m), Cones: cones, A: &sparse.CSC{Rows: m, Cols: n, ColPtr: make([]int, n+1)}}
		p.P = &sparse.CSC{Rows: n, Cols: n, ColPtr: make([]int, n+1)}
		for j := range n {
			p.Q[j] = s.float()
			for i := range j + 1 {
				if v := s.float(); v != 0 {
					p.P.RowIdx, p.P.Val = append(p.P.RowIdx, i), append(p.P.Val, v)
				}
			}
			p.P.ColPtr[j+1] = len(p.P.RowIdx)
			for i := range m {
				if v := s.float(); v != 0 {
					p.A.RowIdx, p.A.Val = append(p.A.RowIdx, i), append(p.A.Val, v)
				}
			}
			p.A.ColPtr[j+1] = len(p.A.RowIdx)
		}
		for i := range m {
			p.B[i] = s.float()
		}
		x, err := conic.Solve(context.Background(), p, &conic.Options{TimeLimit: 5 * time.Second})
		if x == nil {
			t.Fatalf("no Solution: %v", err)
		}
		info := x.Info[0]
		switch info.Status {
		case conic.Unsolved, conic.Canceled, conic.MaxTime:
			t.Errorf("%+v", info)
		case conic.Solved:
			for _, v := range [...][]float64{x.X, x.Z} {
				for _, v := range v {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("solved, with %v: %+v", v, info)
					}
				}
			}
		}
		up := &conic.Point{X: make([]float64, n)}
		for j := range up.X {
			up.X[j] = 1
		}
		var g conic.Gradient
		if err := x.VJP(context.Background(), &g, up); err != nil {
			t.Fatalf("%v: %+v", err, info)
		}
		for _, v := range [...][]float64{g.P, g.Q, g.A, g.B} {
			for _, v := range v {
				if math.IsNaN(v) || math.IsInf(v, 0) || v != 0 && !info.Status.HasPoint() {
					t.Fatalf("gradient %v of an element that ended %+v; certificate %+v", v, info, g.Certs[0])
				}
			}
		}
	})
}
