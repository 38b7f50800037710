#pragma once
// How weights are stored: one row per format. A quantised weight is a code, a small integer, times
// the scale of its group: so many inputs of one output, one after the other.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "compute/tensor/dtype.h"

namespace kilotoken {

enum class WeightFormat : uint8_t { kF32, kF16, kBF16, kInt8, kInt4, kQ8_0, kQ4_0 };

struct FormatRow {
  WeightFormat format;
  std::string_view name;  // "bfloat16", "int4", "q8_0": as flags and logs spell it
  int code_bits;          // 0: plain numbers, which have no codes
  int64_t group;          // inputs that share a scale; 0: all of an output
  bool half_scales;       // float16, else float32

  // Codes of a group of finite weights; gives their scale, which is not finite where the weights
  // are too large for the format. Null for plain numbers.
  float (*quantise)(std::span<const float> weights, int8_t* codes);

  bool plain() const { return code_bits == 0; }
  // Whether a matrix of this width can be stored so: GGUF files keep others as they are, too.
  // With one scale, exact sums of products of bytes must stay within 32 bits.
  bool fits(int64_t in) const { return plain() || (group == 0 ? in <= 1 << 16 : in % group == 0); }
};

const FormatRow& row_of(WeightFormat format);
std::span<const FormatRow> format_rows();
std::optional<WeightFormat> format_named(std::string_view name);
WeightFormat format_of(DType dtype);  // of numbers stored like that

}  // namespace kilotoken
