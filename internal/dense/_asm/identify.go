package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// identify is the one instruction that golang.org/x/sys/cpu keeps to itself.
func identify() {
	text("cpuid", "is the instruction, of subleaf 0.", "(leaf uint32) (a, b, c, d uint32)")
	Load(Param("leaf"), reg.EAX)
	XORL(reg.ECX, reg.ECX)
	CPUID()
	for i, r := range []reg.Register{reg.EAX, reg.EBX, reg.ECX, reg.EDX} {
		Store(r, ReturnIndex(i))
	}
	RET()
}
