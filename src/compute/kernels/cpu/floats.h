#pragma once
// Floats: scratch at the start of a cache line, not set.

#include <cstdint>
#include <memory>
#include <new>

namespace kilotoken::cpu {

class Floats {
 public:
  explicit Floats(int64_t count)
      : data_(static_cast<float*>(
            ::operator new (static_cast<size_t>(count) * sizeof(float), std::align_val_t{64}))) {}
  float* at(int64_t index) const { return data_.get() + index; }

 private:
  struct Free {
    void operator()(float* data) const { ::operator delete (data, std::align_val_t{64}); }
  };
  std::unique_ptr<float[], Free> data_;
};

// Scratch of the calling thread, which it keeps: good until it asks again. Linears take up to a
// megabyte, and an allocator that gives it back each time costs as much as the products.
inline float* thread_floats(int64_t count) {
  thread_local int64_t size = 0;
  thread_local Floats kept(size);
  if (size < count) {
    kept = Floats(count);
    size = count;
  }
  return kept.at(0);
}

}  // namespace kilotoken::cpu
