#include "compute/kernels/cpu/vec_avx2.h"

// What follows is written in terms of the Vec above.
#include "compute/kernels/cpu/kernels.h"

namespace kilotoken::cpu {

constinit const Ops kAvx2Ops = kOps;
constinit const LinearOps kAvx2LinearOps = kLinearOps;

}  // namespace kilotoken::cpu
