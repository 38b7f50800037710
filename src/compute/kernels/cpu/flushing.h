#pragma once
// Flushing: denormals are zero while it lives, as operands and as results.

#include <immintrin.h>

namespace kilotoken::cpu {
namespace {

class Flushing {
 public:
  Flushing() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~Flushing() { _mm_setcsr(before_); }
  Flushing(const Flushing&) = delete;
  Flushing& operator=(const Flushing&) = delete;

 private:
  unsigned before_;
};

}  // namespace
}  // namespace kilotoken::cpu
