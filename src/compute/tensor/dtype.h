#pragma once
// Types that tensors are stored in, and the 16-bit float conversions (round to nearest even).

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kilotoken {

// The last two are GGUF's: blocks of 32 numbers, a float16 scale and then codes of 8 or 4 bits
// (https://github.com/ggml-org/ggml, block_q8_0 and block_q4_0 of ggml-common.h; of 4 bits, number
// i and i + 16 share a byte, i has the lower half, and 8 stands for 0).
enum class DType : uint8_t { kF32, kF16, kBF16, kQ8_0, kQ4_0 };

inline constexpr int64_t kBlockNumbers = 32;

constexpr bool is_blocks(DType dtype) { return dtype == DType::kQ8_0 || dtype == DType::kQ4_0; }
size_t size_of(DType dtype);                     // bytes per number; of no blocks
size_t bytes_of(DType dtype, int64_t elements);  // of blocks a multiple of kBlockNumbers
std::string_view name_of(DType dtype);           // "float32", "float16", "bfloat16", "q8_0", "q4_0"
std::optional<DType> dtype_named(std::string_view name);  // of single numbers: no blocks

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
