package npz_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/optnet-go/optnet/encoding/npz"
)

// An archive that numpy.load reads, and back.
func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "npz")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "batch.npz")
	err = npz.WriteFile(name, map[string]*npz.Array{
		"Q": {Shape: []int{2, 2}, Data: []float64{2, 0, 0, 2}},
		"p": {Shape: []int{3, 2}, Data: []float64{-2, -2, -1, 0, 2, 2}},
	})
	if err != nil {
		log.Fatal(err)
	}
	r, err := npz.Open(name)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for _, name := range r.Names() {
		a, err := r.Read(name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, a.Shape, a.Data)
	}
	// Output:
	// Q [2 2] [2 0 0 2]
	// p [3 2] [-2 -2 -1 0 2 2]
}
