#pragma once
// Reading numbers in their stored type, at any alignment.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "compute/tensor/dtype.h"

namespace kilotoken {

template <typename T>
float load_stored(const std::byte* from, int64_t index) {
  T value;
  std::memcpy(&value, from + static_cast<size_t>(index) * sizeof(T), sizeof(T));
  return to_float(value);
}

template <typename T>
T round_to(float value) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return value;
  } else if constexpr (requires { T{to_half(value)}; }) {
    return to_half(value);
  } else {
    return to_bfloat16(value);
  }
}

// Calls body(T{}) with the C++ type of a dtype that is no blocks.
template <typename Body>
void with_stored_type(DType dtype, Body&& body) {
  switch (dtype) {
    case DType::kF32:
      return body(float{});
    case DType::kF16:
      return body(Half{});
    case DType::kBF16:
      return body(BFloat16{});
    case DType::kQ8_0:
    case DType::kQ4_0:
      break;
  }
  check_failed(__FILE__, __LINE__, "single numbers are stored in the type", "");
}

}  // namespace kilotoken
