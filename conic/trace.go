package conic

import (
	"fmt"
	"io"
)

// Table returns an Options.Trace that writes a table of the iterations to w, with
// a heading at the start of every element.
func Table(w io.Writer) func(Iteration) {
	return func(it Iteration) {
		if it.Iter == 0 {
			fmt.Fprintf(w, "element %d\niter        pcost        dcost      gap     pres     dres      k/t       mu     step\n", it.Element)
		}
		fmt.Fprintf(w, "%4d %12.5e %12.5e %.2e %.2e %.2e %.2e %.2e", it.Iter, it.PCost, it.DCost, it.Gap, it.Primal, it.Dual, it.KT, it.Mu)
		if it.Iter > 0 {
			fmt.Fprintf(w, " %.2e", it.Step)
		}
		fmt.Fprintln(w)
	}
}
