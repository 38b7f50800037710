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

}  // namespace kilotoken::cpu
