#pragma once
// Batch: the flat arrays of one step, and what a block needs to compute it. A row is one token of
// one sequence.

#include <cstdint>
#include <span>

#include "compute/kernels/kernels.h"
#include "compute/tensor/arena.h"

namespace kilotoken {

struct Batch {
  std::span<const int32_t> tokens;          // [rows]
  std::span<const int32_t> positions;       // [rows]
  std::span<const SequenceRows> sequences;  // cover the rows in order
  std::span<const int32_t> logit_rows;      // rows whose logits are wanted, ascending
  const KvCache* kv;

  int64_t rows() const { return static_cast<int64_t>(tokens.size()); }
};

// How batched the work was: weights are read once per call, whatever its rows.
struct LinearCalls {
  int64_t calls = 0, rows = 0;
};

struct BlockContext {
  const Kernels& kernels;
  ThreadPool& pool;
  Workspace& workspace;
  const Batch& batch;
  LinearCalls& calls;

  void linear(LinearArgs args) const {
    ++calls.calls;
    calls.rows += args.rows;
    args.workspace = &workspace;
    kernels.linear(args, pool);
  }
};

}  // namespace kilotoken
