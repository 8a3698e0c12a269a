package cuda

import _ "embed"

// The kernels are compiled by clang to PTX, which the driver compiles for its
// device. Nothing of the CUDA toolkit takes part.
//
//go:generate clang-19 -x cuda --cuda-device-only -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx70 --cuda-gpu-arch=sm_80 -std=c++17 -O2 -fno-unroll-loops -Wno-pass-failed -S kernels/qp.cu -o kernels/qp.ptx
//go:generate clang-19 -x cuda --cuda-device-only -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx70 --cuda-gpu-arch=sm_80 -std=c++17 -O2 -fno-unroll-loops -Wno-pass-failed -DGROUP -S kernels/qp.cu -o kernels/group.ptx
//go:generate clang-19 -x cuda --cuda-device-only -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx78 --cuda-gpu-arch=sm_90 -std=c++17 -O2 -fno-unroll-loops -Wno-pass-failed -DGROUP -DCLUSTER -S kernels/qp.cu -o kernels/cluster.ptx

//go:embed kernels/qp.ptx
var ptx []byte

//go:embed kernels/group.ptx
var groupPTX []byte

//go:embed kernels/cluster.ptx
var clusterPTX []byte
