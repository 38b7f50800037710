#pragma once
// Rows per kernel call, to see that work is batched: whoever calls the kernels counts here, in its
// own counter. One writer; read from any thread.

#include <atomic>
#include <cstdint>

#include "compute/kernels/kernels.h"

namespace kilotoken {

class CallCounter {
 public:
  void count(int64_t rows) {
    calls_.store(calls() + 1, std::memory_order_relaxed);
    rows_.store(this->rows() + rows, std::memory_order_relaxed);
  }
  int64_t calls() const { return calls_.load(std::memory_order_relaxed); }
  int64_t rows() const { return rows_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> calls_{0}, rows_{0};
};

inline void counted_linear(const Kernels& kernels, const LinearArgs& args, ThreadPool& pool,
                           CallCounter& counter) {
  counter.count(args.rows);
  kernels.linear(args, pool);
}

}  // namespace kilotoken
