#pragma once
// How GGUF stores numbers: one row per tensor type (block size and bytes from ggml's ggml_type
// table).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "compute/tensor/dtype.h"

namespace kilotoken {

struct GgufTensorType {
  uint32_t id;
  std::string_view name;
  int64_t block_elements;
  int64_t block_bytes;
  std::optional<DType> dtype;  // set: this build computes with it
  // Set: the numbers of a block are computed with as float32 [block_elements].
  void (*decode)(const std::byte* block, float* to) = nullptr;
};

// Nothing for a number that the format does not define.
const GgufTensorType* gguf_tensor_type(uint32_t id);

}  // namespace kilotoken
