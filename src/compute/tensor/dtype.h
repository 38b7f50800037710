#pragma once
// Element types of tensors, and the 16-bit float conversions (round to nearest even).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kilotoken {

enum class DType : uint8_t { kF32, kF16, kBF16 };

size_t size_of(DType dtype);            // bytes per element
std::string_view name_of(DType dtype);  // "float32", "float16", "bfloat16"
std::optional<DType> dtype_named(std::string_view name);

struct Half {
  uint16_t bits;
};
struct BFloat16 {
  uint16_t bits;
};

// Exact. IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. Multiplying by 2^112
// moves the exponent's bias to float32's and makes subnormals normal.
inline float to_float(Half value) {
  const uint32_t magnitude = value.bits & 0x7fffu;
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  uint32_t bits = std::bit_cast<uint32_t>(scaled);
  if (magnitude >= 0x7c00u) bits |= 0x7f800000u;  // infinity and NaN
  if (magnitude > 0x7c00u) bits |= 0x400000u;     // a NaN comes out quiet, as hardware gives it
  return std::bit_cast<float>(bits | (static_cast<uint32_t>(value.bits & 0x8000u) << 16));
}
inline float to_float(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
inline float to_float(float value) { return value; }

Half to_half(float value);
BFloat16 to_bfloat16(float value);

}  // namespace kilotoken
