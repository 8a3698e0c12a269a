package cudadrv

import "golang.org/x/sys/windows"

func open(path string) (uintptr, error) {
	if path != "" {
		lib, err := windows.LoadLibrary(path)
		return uintptr(lib), err
	}
	// From the system's folder alone, where the driver's installer puts it.
	lib, err := windows.LoadLibraryEx("nvcuda.dll", 0, windows.LOAD_LIBRARY_SEARCH_SYSTEM32)
	return uintptr(lib), err
}

func symbol(lib uintptr, name string) (uintptr, error) {
	return windows.GetProcAddress(windows.Handle(lib), name)
}
