#include "compute/tensor/dtype.h"

#include <bit>

#include "base/check.h"

namespace kilotoken {

size_t size_of(DType dtype) {
  KT_CHECK(!is_blocks(dtype), "blocks have no bytes per number");
  return dtype == DType::kF32 ? 4 : 2;
}

size_t bytes_of(DType dtype, int64_t elements) {
  const auto count = static_cast<size_t>(elements);
  if (!is_blocks(dtype)) return count * size_of(dtype);
  KT_CHECK_EQ(elements % kBlockNumbers, 0);
  const size_t block_bytes = dtype == DType::kQ8_0 ? 34 : 18;
  return count / kBlockNumbers * block_bytes;
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "float32";
    case DType::kF16:
      return "float16";
    case DType::kBF16:
      return "bfloat16";
    case DType::kQ8_0:
      return "q8_0";
    case DType::kQ4_0:
      return "q4_0";
  }
  check_failed(__FILE__, __LINE__, "dtype is one of the enumerators", "");
}

std::optional<DType> dtype_named(std::string_view name) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    if (name == name_of(dtype)) return dtype;
  }
  return std::nullopt;
}

Half to_half(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {  // NaN: made quiet, the payload's high bits kept
    return {static_cast<uint16_t>(sign | 0x7e00u | ((magnitude >> 13) & 0x3ffu))};
  }
  if (magnitude >= 0x477ff000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // 65520 and above
  if (magnitude < 0x38800000u) {
    // Below 2^-14 the result is subnormal: adding 0.5 moves the bits that stay to the end of the
    // fraction and lets the adder round them to nearest even.
    const float moved = std::bit_cast<float>(magnitude) + 0.5f;
    const uint32_t fraction = std::bit_cast<uint32_t>(moved) - std::bit_cast<uint32_t>(0.5f);
    return {static_cast<uint16_t>(sign | fraction)};
  }
  const uint32_t odd = (magnitude >> 13) & 1u;
  const uint32_t rounded = magnitude - (112u << 23) + 0xfffu + odd;
  return {static_cast<uint16_t>(sign | (rounded >> 13))};
}

BFloat16 to_bfloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {static_cast<uint16_t>((bits >> 16) | 0x40u)};  // NaN, quiet
  }
  return {static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

}  // namespace kilotoken
