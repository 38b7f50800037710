#include "compute/kernels/cpu/vec_avx512.h"

// What follows is written in terms of the Vec16 above.
#include "compute/kernels/cpu/vector_linear.h"

namespace kilotoken::cpu {

constinit const PanelOps kAvx512Bf16Ops{vector_tile_rows, 0,           vector_linear, round_bf16,
                                        round_int8,       vector_bf16, vector_bytes,  nullptr};

}  // namespace kilotoken::cpu
