#include "compute/tensor/tensor.h"

#include <cstring>
#include <limits>

#include "base/check.h"

namespace kilotoken {

namespace {

template <typename T>
float load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return to_float(value);
}

}  // namespace

Tensor::Tensor(const void* bytes, DType type, std::span<const int64_t> shape)
    : data(static_cast<const std::byte*>(bytes)),
      dtype(type),
      rank(static_cast<int>(shape.size())) {
  KT_CHECK_LE(rank, kMaxRank);
  int64_t count = 1;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    KT_CHECK_GE(shape[axis], 0);
    if (shape[axis] > 0) KT_CHECK_LE(count, std::numeric_limits<int64_t>::max() / 8 / shape[axis]);
    count *= shape[axis];
    sizes[axis] = shape[axis];
  }
}

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (int axis = 0; axis < rank; ++axis) count *= size(axis);
  return count;
}

float Tensor::at(int64_t flat_index) const {
  KT_CHECK_GE(flat_index, 0);
  KT_CHECK_LT(flat_index, elements());
  if (is_blocks(dtype)) {
    const CodeBlock block = code_block(*this, flat_index / kBlockNumbers);
    return block.scale * static_cast<float>(block.codes[flat_index % kBlockNumbers]);
  }
  const std::byte* from = data + static_cast<size_t>(flat_index) * size_of(dtype);
  switch (dtype) {
    case DType::kF32:
      return load<float>(from);
    case DType::kF16:
      return load<Half>(from);
    case DType::kBF16:
      return load<BFloat16>(from);
    case DType::kQ8_0:
    case DType::kQ4_0:
      break;
  }
  check_failed(__FILE__, __LINE__, "dtype is one of the enumerators", "");
}

CodeBlock code_block(const Tensor& blocks, int64_t index) {
  const std::byte* from = blocks.data + bytes_of(blocks.dtype, index * kBlockNumbers);
  CodeBlock block;
  block.scale = load<Half>(from);
  from += sizeof(Half);
  if (blocks.dtype == DType::kQ8_0) {
    std::memcpy(block.codes, from, sizeof block.codes);
    return block;
  }
  for (int i = 0; i < kBlockNumbers / 2; ++i) {
    const auto both = static_cast<int>(from[i]);
    block.codes[i] = static_cast<int8_t>((both & 15) - 8);
    block.codes[i + kBlockNumbers / 2] = static_cast<int8_t>((both >> 4) - 8);
  }
  return block;
}

void store(std::byte* at, DType dtype, float value) {
  const auto put = [at](auto stored) { std::memcpy(at, &stored, sizeof stored); };
  switch (dtype) {
    case DType::kF32:
      return put(value);
    case DType::kF16:
      return put(to_half(value));
    case DType::kBF16:
      return put(to_bfloat16(value));
    case DType::kQ8_0:
    case DType::kQ4_0:
      break;
  }
  check_failed(__FILE__, __LINE__, "single numbers can be stored in the type", "");
}

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (int axis = 0; axis < tensor.rank; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(tensor.size(axis));
  }
  return text + "] " + std::string(name_of(tensor.dtype));
}

}  // namespace kilotoken
