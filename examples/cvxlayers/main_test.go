package main

import (
	"context"
	"log"
)

// The two experiments that take a second.
func Example() {
	d, err := read()
	if err != nil {
		log.Fatal(err)
	}
	for _, run := range []func(context.Context, data) error{adp, poison} {
		if err := run(context.Background(), d); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// average cost   published 1.51906 to 0.910299, here 1.5191 to 0.91030
	//     test loss      published only as a picture, here 0.5043 to 0.5050
	//     its increase   7.1e-04, predicted by the gradient 7.1e-04
}
