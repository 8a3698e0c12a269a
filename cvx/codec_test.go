package cvx_test

import (
	"bytes"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"

	"github.com/optnet-go/optnet/cvx"
)

// saved is a program with a bit of everything, and its bytes.
func saved(t testing.TB) (*cvx.Program, []byte) {
	m := cvx.NewModel()
	x, s := m.Var("x", 4).NonNeg().Bounds(nil, 3.0), m.Var("S", 3, 3).PSD()
	p, a, g := m.Param("P", 4, 4).PSD(), m.Param("a", 4), m.Param("lam").NonNeg()
	m.Maximize(cvx.Sub(cvx.LogDet(s), cvx.Add(cvx.QuadForm(x, p), cvx.Times(g, cvx.PNorm(x, 3)), cvx.SumSquares(cvx.Sub(x, a)))))
	m.SubjectTo(cvx.Leq(cvx.Trace(s), g).Named("trace"), cvx.Geq(cvx.Dot(a, x), cvx.Const(-1)), cvx.PSD(cvx.Sub(cvx.Const(2), s)).Named("cap"))
	prog, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	b, err := prog.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return prog, b
}

func TestSaveAndLoad(t *testing.T) {
	prog, b := saved(t)
	var back cvx.Program
	if err := back.UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	again, err := back.MarshalBinary()
	if err != nil || !bytes.Equal(again, b) {
		t.Error("saving what was loaded gives other bytes")
	}
	if back.String() != prog.String() || !reflect.DeepEqual(back.Params(), prog.Params()) || !reflect.DeepEqual(back.Duals(), prog.Duals()) || !reflect.DeepEqual(back.Vars(), prog.Vars()) {
		t.Errorf("%v\n%v", &back, prog)
	}
}

func TestLoadRefuses(t *testing.T) {
	_, b := saved(t)
	var p cvx.Program
	for n := range len(b) {
		if err := p.UnmarshalBinary(b[:n]); !errors.Is(err, cvx.ErrFormat) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	other := bytes.Replace(b, []byte("program 1\n"), []byte("program 7\n"), 1)
	if err := p.UnmarshalBinary(other); !errors.Is(err, cvx.ErrFormat) || !strings.Contains(err.Error(), "version 7") {
		t.Errorf("another version: %v", err)
	}
	if p.Theta() != 0 {
		t.Error("a failure left something behind")
	}
}

// Bytes with a right checksum and wrong content make an error, or a program whose
// methods work.
func FuzzLoad(f *testing.F) {
	_, b := saved(f)
	head := bytes.IndexByte(b, '\n') + 1
	f.Add(b[head : len(b)-4])
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
		data := append(append(append([]byte{}, b[:head]...), body...), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
		var p cvx.Program
		if p.UnmarshalBinary(data) != nil || p.Theta() > 1<<16 || p.Structure().N > 1<<16 {
			return
		}
		theta := make([]float64, p.Theta())
		for k, a := range p.Params() {
			if a.Size() < 1<<16 {
				p.ParamTheta(theta, k, make([]float64, a.Size()))
			}
		}
		for c := range 4 {
			m := p.Map(1 << c)
			m.Apply(make([]float64, m.Len()), theta)
		}
		p.Value(0, theta)
		x, z := make([]float64, p.Structure().N), make([]float64, p.Map(8).Len())
		for k, v := range p.Vars() {
			p.Recover(make([]float64, v.Size()), k, x)
		}
		for k, d := range p.Duals() {
			p.Multiplier(make([]float64, d.Size()), k, z)
		}
	})
}
