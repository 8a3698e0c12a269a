package mps_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/optnet-go/optnet/encoding/mps"
	"github.com/optnet-go/optnet/qp"
)

func ExampleRead() {
	p, err := mps.Read(strings.NewReader(`NAME          DIET
ROWS
 N  COST
 G  ENERGY
COLUMNS
    BREAD     COST               1.0   ENERGY             2.0
    MILK      COST               3.0   ENERGY             4.0
RHS
    RHS       ENERGY            10.0
QUADOBJ
    BREAD     BREAD              0.5
ENDATA
`), nil)
	if err != nil {
		log.Fatal(err)
	}
	dense, to, err := p.QP()
	if err != nil {
		log.Fatal(err)
	}
	x, err := qp.Solve(context.Background(), dense)
	if err != nil {
		log.Fatal(err)
	}
	answer := to.FromQP(&x.Point, 0)
	for j, name := range p.Cols {
		fmt.Printf("%s %.4f\n", name, answer.X[j])
	}
	fmt.Printf("%s %.4f, at the price of %.4f\n", p.Objective, p.ObjectiveOf(x.Value[0]), -answer.Rows[0])
	// Output:
	// BREAD 1.0000
	// MILK 2.0000
	// COST 7.2500, at the price of 0.7500
}
