#pragma once
// The last numbers of a stored row, in terms of Vec.

#include <cstdint>

namespace kilotoken::cpu {
namespace {

// n < kLanes numbers of a stored type (Vec::F32, ...) and zeros; reads no further.
template <typename T>
Vec::F load_some(const char* from, int64_t n) {
  char part[Vec::kLanes * T::kBytes] = {};
  __builtin_memcpy(part, from, static_cast<unsigned long>(n * T::kBytes));
  return T::load(part);
}

}  // namespace
}  // namespace kilotoken::cpu
