#pragma once
// Tensor: a non-owning, read-only view of dense row-major numbers, as weights are stored. The bytes
// belong to a mapped file or an arena; the pointer may be unaligned (a file promises nothing).

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "compute/tensor/dtype.h"

namespace kilotoken {

struct Tensor {
  static constexpr int kMaxRank = 4;

  const std::byte* data = nullptr;
  DType dtype = DType::kF32;
  int rank = 0;
  std::array<int64_t, kMaxRank> sizes{};  // slowest first, as [out, in]

  Tensor() = default;
  Tensor(const void* bytes, DType type, std::span<const int64_t> shape);
  Tensor(const void* bytes, DType type, std::initializer_list<int64_t> shape)
      : Tensor(bytes, type, std::span(shape.begin(), shape.size())) {}

  bool empty() const { return data == nullptr; }
  int64_t size(int axis) const { return sizes[static_cast<size_t>(axis)]; }
  int64_t elements() const;
  size_t bytes() const { return bytes_of(dtype, elements()); }
  float at(int64_t flat_index) const;  // slow; for tests and small tables
};

void store(std::byte* at, DType dtype, float value);  // rounded to the type, which is no blocks

// What a block of codes stores.
struct CodeBlock {
  float scale;
  int8_t codes[kBlockNumbers];
};
CodeBlock code_block(const Tensor& blocks, int64_t index);

std::string shape_text(const Tensor& tensor);  // "[512, 64] float32"

}  // namespace kilotoken
