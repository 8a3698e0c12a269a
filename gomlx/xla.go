//go:build xla

package gomlx

// The build tag xla links GoMLX's backend for XLA in, which needs cgo: then NewBackend
// takes configurations such as "xla:cuda".
import _ "github.com/gomlx/go-xla/compute/xla"
