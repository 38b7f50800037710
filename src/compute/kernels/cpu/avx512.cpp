#include "compute/kernels/cpu/vec_avx512.h"

// What follows is written in terms of the Vec16 above.
#include "compute/kernels/cpu/panel_kernels.h"

namespace kilotoken::cpu {

constinit const PanelOps kAvx512Ops{vector_linear, vector_bf16, vector_bytes, nullptr};

}  // namespace kilotoken::cpu
