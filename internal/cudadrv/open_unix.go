//go:build !windows

package cudadrv

import (
	"runtime"

	"github.com/ebitengine/purego"
)

func open(path string) (uintptr, error) {
	names := []string{path}
	if path == "" {
		names = []string{"libcuda.so.1", "libcuda.so"}
		if runtime.GOOS == "darwin" {
			names = []string{"libcuda.dylib"}
		}
	}
	var lib uintptr
	var err error
	for _, name := range names {
		if lib, err = purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL); err == nil {
			return lib, nil
		}
	}
	return 0, err
}

func symbol(lib uintptr, name string) (uintptr, error) { return purego.Dlsym(lib, name) }
