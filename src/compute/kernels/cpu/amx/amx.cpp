#include "compute/kernels/cpu/vec_avx512.h"

// What follows is written in terms of the Vec16 above and the Tiles here.
#include "compute/kernels/cpu/amx/tile.h"

// And what follows in terms of both.
#include "compute/kernels/cpu/amx/tile_kernels.h"

namespace kilotoken::cpu {

constinit const PanelOps kAmxOps{tile_height,  ManyRows::kScratchBytes / 4,
                                 tile_linear,  round_bf16,
                                 round_int8,   vector_bf16,
                                 vector_bytes, tile_product};

}  // namespace kilotoken::cpu
