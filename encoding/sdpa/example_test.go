package sdpa_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/optnet-go/optnet/encoding/sdpa"
)

func ExampleRead() {
	// minimize x  subject to  [x 1; 1 x] ⪰ 0
	f, err := sdpa.Read(strings.NewReader(`1 = variables
1 = blocks
2
1.0
0 1 1 2 -1.0
1 1 1 1 1.0
1 1 2 2 1.0
`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Problem.A.Val, f.Problem.B)
	// Output: [-1 -1] [0 1.4142135623730951 0]
}
