#pragma once
// The work of a panel kernel, as plain data; and the kernels of each instruction set. Kernel
// sources include this, so it holds no functions that code for other CPUs could share.

#include <cstdint>

#include "compute/kernels/panel_layout.h"

namespace kilotoken::cpu {

enum class TileProduct : uint8_t { kBF16, kSignedUnsigned, kSignedSigned, kUnsignedSigned };

// Panels [first, last) of a weight against all rows. Rows lie by tiles of tile_rows, of which the
// first 64 bytes of each row come first, then the next 64 of each, and so on, and the first group's
// scales of each row, then the next group's. Rows that the last tile lacks are zeros, their scales
// and sums anything.
struct PanelPiece {
  PanelLayout layout;
  const char* panels;  // of the whole weight
  const char* rows;    // [row_count, row_bytes] by tiles: BF16 or INT8
  // With INT8 rows, [row_count, groups] by tiles.
  const float* row_scales;
  const int32_t* row_sums;  // zero_point * sum of the codes
  float* output;            // [row_count, out]
  int64_t row_count, tile_rows, out;
  int64_t first, last;
  bool accumulate;
  float* scratch;  // PanelOps::scratch_floats of them, 64-byte aligned
};

// Activation rows [first, last) for panels, as in PanelPiece. A row of `in` numbers is followed by
// zeros up to `row_bytes`, whole lines of 64 bytes.
struct RoundRows {
  const float* input;  // [row_count, in]
  int64_t in, tile_rows, row_bytes;
  int64_t first, last;
  int64_t groups, group;  // with INT8 rows: of so many numbers that share a scale
  int zero_point;
  char* rows;
  float* row_scales;
  int32_t* row_sums;
};

struct PanelOps {
  int64_t (*tile_rows)(int64_t row_count);  // of each tile: up to 16
  int64_t scratch_floats;
  void (*linear)(const PanelPiece& piece);
  void (*round_bf16)(const RoundRows& rows);  // to nearest even, NaN stays one
  // Per group: scale = largest magnitude / 127, code = x * (127 / largest) to nearest even. A group
  // that holds NaN or infinity has the scale NaN, one without a number over 2^-100 the scale 0.
  void (*round_int8)(const RoundRows& rows);

  // For the tests: the instructions that the arithmetic is made of, on 16 lanes of 4 bytes, and on
  // tiles (tile.h) of 64 bytes a line; null where a table has no tiles.
  void (*vector_bf16)(float* sums, const void* weights, const void* inputs);
  void (*vector_bytes)(int32_t* sums, const void* weights, const void* inputs);
  void (*tile)(TileProduct product, int depth_bytes, void* sums, const void* left,
               const void* right);
};

extern const PanelOps kAvx512Ops;          // AVX-512 with VNNI; BF16 by FMAs
extern const PanelOps kAvx512Bf16Ops;      // the same bits by AVX512_BF16's instruction
extern const PanelOps kAvx512EmulatedOps;  // the same bits by AVX2
extern const PanelOps kAmxOps;
extern const PanelOps kAmxEmulatedOps;  // tiles and AVX-512 by AVX2

}  // namespace kilotoken::cpu
