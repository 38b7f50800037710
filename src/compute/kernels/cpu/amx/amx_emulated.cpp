#include "compute/kernels/cpu/vec_avx512_emulated.h"

// What follows is written in terms of the Vec16 above.
#include "compute/kernels/cpu/amx/tile_emulated.h"

// And what follows in terms of the Tiles too.
#include "compute/kernels/cpu/amx/tile_kernels.h"

namespace kilotoken::cpu {

constinit const PanelOps kAmxEmulatedOps{tile_height,  ManyRows::kScratchBytes / 4,
                                         tile_linear,  round_bf16,
                                         round_int8,   vector_bf16,
                                         vector_bytes, tile_product};

}  // namespace kilotoken::cpu
