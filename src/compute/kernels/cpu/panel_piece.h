#pragma once
// The work of a panel kernel, as plain data; and the kernels of each instruction set. Kernel
// sources include this, so it holds no functions that code for other CPUs could share.

#include <cstdint>

namespace kilotoken::cpu {

// How the inputs of 16 outputs lie in a line of 64 bytes (panels.h).
enum class PanelFormat : uint8_t { kBF16, kBytes, kNibbles };

enum class TileProduct : uint8_t { kBF16, kSignedUnsigned, kSignedSigned, kUnsignedSigned };

struct PanelLayout {
  PanelFormat format = PanelFormat::kBF16;
  bool bf16_rows = true;     // else INT8 rows with scales
  bool half_scales = false;  // float16, else float32
  int zero_point = 0;        // stored codes are this much above their value
  int64_t groups = 0;        // with a scale per output each; 0: no scales
  int64_t group_lines = 0;   // of a panel; without groups, all of them
  int64_t panel_bytes = 0;   // lines, then scales
  int64_t row_bytes = 0;     // of one activation row, padded with zeros
};

// Panels [first, last) of a weight against all rows. `rows` is followed by rows of zeros up to a
// multiple of 16.
struct PanelPiece {
  PanelLayout layout;
  const char* panels;       // of the whole weight
  const char* rows;         // [row_count, row_bytes]: BF16 or INT8
  const float* row_scales;  // [row_count, groups], with INT8 rows
  const int32_t* row_sums;  // [row_count, groups], with INT8 rows: zero_point * sum of the codes
  float* output;            // [row_count, out]
  int64_t row_count, out;
  int64_t first, last;
  bool accumulate;
};

struct PanelOps {
  void (*linear)(const PanelPiece& piece);

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
