#pragma once
// Element types of tensors, and the 16-bit float conversions (round to nearest even).

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

float to_float(Half value);
float to_float(BFloat16 value);
inline float to_float(float value) { return value; }

Half to_half(float value);
BFloat16 to_bfloat16(float value);

}  // namespace kilotoken
