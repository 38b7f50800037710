#pragma once
// What one instruction set provides: plain functions on plain pointers. The files that implement
// them are compiled with that set's flags and include nothing but this header and intrinsics, so
// that no inline function of a library can end up in their code and be shared with the rest of the
// program. Threads, pages and tables are handled outside, in cpu/table.h.

#include <cstdint>

namespace kilotoken::cpu {

enum class Stored { kF32, kF16, kBF16 };  // as DType, in its order

// Outputs [begin, end) of a linear for all rows.
struct LinearPiece {
  const float* input;  // [rows, in]
  const char* weight;  // [out, in], any alignment
  Stored stored;
  float* output;  // [rows, out]
  int64_t rows, in, out;
  int64_t begin, end;
  bool accumulate;
  float* scratch;  // LinearOps::scratch_floats of them, 64-byte aligned
};

// One query against slots [from, to) of one page. Rows of head_dim are padded with zeros to
// `stride`, a multiple of Ops::lanes; keys hold zeros in slots that are not loaded, up to a
// multiple of lanes.
struct PageAttention {
  const float* query;   // [stride]
  const float* keys;    // [64, stride]
  const float* values;  // [64, stride]
  int64_t stride;
  int32_t from, to;
  float scale;
  float* state;   // [2]: the largest score and the sum of exponentials so far
  float* output;  // [stride], not yet divided by the sum
};

struct LinearOps {
  int64_t scratch_floats;
  void (*linear)(const LinearPiece& piece);
};

struct Ops {
  int lanes;  // float32 per vector
  // `rows` of `size` stored numbers, close together, to float32 rows padded with zeros to `stride`.
  void (*widen)(const char* from, Stored stored, int64_t rows, int64_t size, float* to,
                int64_t stride);
  void (*attend)(const PageAttention& page);
  void (*silu_multiply)(float* gate, const float* up, int64_t count);
};

extern const Ops kAvx2Ops;
extern const LinearOps kAvx2LinearOps;
extern const LinearOps kAvx512LinearOps;          // 16 lanes
extern const LinearOps kAvx512EmulatedLinearOps;  // the same bits by AVX2

}  // namespace kilotoken::cpu
