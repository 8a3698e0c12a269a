//go:build !noasm

package dense

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// kernelSets are all that this machine can run. AVX-512 comes twice: from the
// sizes on where it pays, and wherever it can.
func kernelSets() []kernelSet {
	with := func(f family, from wideFrom) func() func() {
		return func() func() {
			was, wasFrom := using, wide
			using, wide = f, from
			return func() { using, wide = was, wasFrom }
		}
	}
	sets := []kernelSet{{name: "go", exact: !fuses(), use: with(pureGo, wide)}}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, kernelSet{name: "avx2", exact: true, fused: true, use: with(avx2, wide)})
	}
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ {
		sets = append(sets,
			kernelSet{name: "avx512", exact: true, fused: true, use: with(avx512, wide)},
			kernelSet{name: "avx512-wide", exact: true, fused: true, use: with(avx512, wideFrom{})})
	}
	return sets
}

func TestFastestKernelsAreChosen(t *testing.T) {
	want := "go"
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		want = "avx2"
		if cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ {
			want = "avx512"
		}
	}
	if got := Kernels(); got != want {
		t.Errorf("Kernels() = %q, want %q", got, want)
	}
	// A test that leaves a choice behind would make others meaningless.
	if w := widest(); wide != w {
		t.Errorf("AVX-512 from %v on, want %v", wide, w)
	}
}

// BenchmarkPeak is what one core can do: twelve chains of FMAs, so that none
// waits for another.
func BenchmarkPeak(b *testing.B) {
	const steps = 1000
	b.Run("avx2", func(b *testing.B) {
		if using == pureGo {
			b.Skip("needs AVX2")
		}
		gflops(b, 96*steps, func() { peakAVX2(steps) })
	})
	b.Run("avx512", func(b *testing.B) {
		if using != avx512 {
			b.Skip("needs AVX-512")
		}
		gflops(b, 192*steps, func() { peakAVX512(steps) })
	})
}
