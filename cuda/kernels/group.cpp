// The kernels for groups of blocks, beside the others in the emulated driver.
#define GROUP
#include "qp.cu"
