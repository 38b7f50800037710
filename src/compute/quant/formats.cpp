#include "compute/quant/formats.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace kilotoken {
namespace {

// These loops run over every weight of a model that is quantised at load. They are written so that
// compilers make vectors of them: magnitudes compare as integers, and std::nearbyint and std::round
// would be calls.

int32_t magnitude_bits(float weight) { return std::bit_cast<int32_t>(weight) & 0x7fffffff; }

// Of finite weights.
float largest_magnitude(std::span<const float> weights) {
  int32_t largest = 0;
  for (const float weight : weights) largest = std::max(largest, magnitude_bits(weight));
  return std::bit_cast<float>(largest);
}

// Weights as small as those of scales below this count as zero.
float inverse_of(float scale) { return std::fabs(scale) > 0x1p-100f ? 1.0f / scale : 0.0f; }

// Both of less than 2^22. Ties to even: beyond 2^23 floats have no fractions.
int32_t nearest_even(float value) {
  constexpr float kNoFractions = 0x1.8p23f;
  return static_cast<int32_t>((value + kNoFractions) - kNoFractions);
}
// Ties away from zero; with 0.5 itself the float just below it would come out as 1.
int32_t nearest_away(float value) {
  return static_cast<int32_t>(value + std::copysign(0x1.fffffep-2f, value));
}

// Symmetric, per output: the largest magnitude is 127.
float quantise_int8(std::span<const float> weights, int8_t* codes) {
  const float scale = largest_magnitude(weights) / 127.0f;
  const float inverse = inverse_of(scale);
  for (const float weight : weights) {
    *codes++ = static_cast<int8_t>(std::clamp(nearest_even(weight * inverse), -127, 127));
  }
  return scale;
}

// Symmetric, as compressed-tensors does it: the largest magnitude is 7.5, and 8 is cut to 7.
float quantise_int4(std::span<const float> weights, int8_t* codes) {
  const float scale = largest_magnitude(weights) / 7.5f;
  const float inverse = inverse_of(scale);
  for (const float weight : weights) {
    *codes++ = static_cast<int8_t>(std::clamp(nearest_even(weight * inverse), -8, 7));
  }
  return scale;
}

// The two below give the blocks that ggml's quantize_row_q8_0_ref and quantize_row_q4_0_ref give.
float quantise_q8_0(std::span<const float> weights, int8_t* codes) {
  const float scale = largest_magnitude(weights) / 127.0f;
  const float inverse = inverse_of(scale);
  for (const float weight : weights) *codes++ = static_cast<int8_t>(nearest_away(weight * inverse));
  return to_float(to_half(scale));
}

// The first weight of largest magnitude is -8, whatever its sign.
float quantise_q4_0(std::span<const float> weights, int8_t* codes) {
  const float most = largest_magnitude(weights);
  const auto magnitude = [](float weight) { return std::fabs(weight); };
  const float largest = most > 0 ? *std::ranges::find(weights, most, magnitude) : 0.0f;
  const float scale = largest / -8.0f;
  const float inverse = inverse_of(scale);
  for (const float weight : weights) {
    *codes++ = static_cast<int8_t>(std::min(15, static_cast<int>(weight * inverse + 8.5f)) - 8);
  }
  return to_float(to_half(scale));
}

constexpr FormatRow kRows[] = {
    {WeightFormat::kF32, "float32", 0, 0, false, nullptr},
    {WeightFormat::kF16, "float16", 0, 0, false, nullptr},
    {WeightFormat::kBF16, "bfloat16", 0, 0, false, nullptr},
    {WeightFormat::kInt8, "int8", 8, 0, false, quantise_int8},
    {WeightFormat::kInt4, "int4", 4, 128, false, quantise_int4},
    {WeightFormat::kQ8_0, "q8_0", 8, 32, true, quantise_q8_0},
    {WeightFormat::kQ4_0, "q4_0", 4, 32, true, quantise_q4_0},
};

}  // namespace

std::span<const FormatRow> format_rows() { return kRows; }

const FormatRow& row_of(WeightFormat format) {
  const FormatRow& row = kRows[static_cast<size_t>(format)];
  KT_CHECK(row.format == format, "the table has the enumerators' order");
  return row;
}

std::optional<WeightFormat> format_named(std::string_view name) {
  for (const FormatRow& row : kRows) {
    if (row.name == name) return row.format;
  }
  return std::nullopt;
}

WeightFormat format_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return WeightFormat::kF32;
    case DType::kF16:
      return WeightFormat::kF16;
    case DType::kBF16:
      return WeightFormat::kBF16;
    case DType::kQ8_0:
      return WeightFormat::kQ8_0;
    case DType::kQ4_0:
      return WeightFormat::kQ4_0;
  }
  check_failed(__FILE__, __LINE__, "dtype is one of the enumerators", "");
}

}  // namespace kilotoken
