package cbf_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/optnet-go/optnet/encoding/cbf"
)

func ExampleRead() {
	// maximize x₁ + 5  subject to  x₁ + x₂ = 4,  x₁ ≥ 0,  x₂ ≥ 0
	f, err := cbf.Read(strings.NewReader(`VER
3
OBJSENSE
MAX
VAR
2 1
L+ 2
CON
1 1
L= 1
OBJACOORD
1
0 1
OBJBCOORD
5
ACOORD
2
0 0 1
0 1 1
BCOORD
1
0 -4
`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Problem.Q, f.Problem.B, f.Objective(-4))
	// Output: [-1 0] [-4 0 0] 9
}
