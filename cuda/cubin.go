package cuda

import _ "embed"

// Compiling the PTX takes the driver seconds. For the H100 and H200 NVIDIA's ptxas
// has done it:
//
//	ptxas -arch=sm_90 kernels/qp.ptx -o kernels/qp.sm_90.cubin
//	ptxas -arch=sm_90 kernels/cluster.ptx -o kernels/cluster.sm_90.cubin
//	sha256sum kernels/qp.ptx > kernels/qp.sm_90.sum
//	sha256sum kernels/cluster.ptx > kernels/cluster.sm_90.sum
//
// A test holds the checksum against the PTX. Any other device gets the PTX, and so
// does one that does not take the cubin.

//go:embed kernels/qp.sm_90.cubin
var cubin90 []byte

//go:embed kernels/cluster.sm_90.cubin
var clusterCubin90 []byte

// images are what can be loaded on a device, best first; the others likewise, of the
// kernels for large problems, without clusters and with.
func images(major, minor int) [][]byte { return imagesOf(major, minor, cubin90, ptx) }
func groupImages(int, int) [][]byte    { return [][]byte{groupPTX} }
func clusterImages(major, minor int) [][]byte {
	return imagesOf(major, minor, clusterCubin90, clusterPTX)
}

func imagesOf(major, minor int, cubin, ptx []byte) [][]byte {
	if major == 9 && minor == 0 {
		return [][]byte{cubin, ptx}
	}
	return [][]byte{ptx}
}
