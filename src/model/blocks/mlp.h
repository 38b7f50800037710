#pragma once
// The gated feed-forward block of the Llama family: down(silu(gate(x)) * up(x)).

#include "model/blocks/batch.h"

namespace kilotoken {

struct GatedMlp {
  Tensor gate;  // [intermediate, hidden]
  Tensor up;    // [intermediate, hidden]
  Tensor down;  // [hidden, intermediate]

  // residual[rows, hidden] += block(normed[rows, hidden])
  void forward(const BlockContext& context, const float* normed, float* residual) const;

  size_t scratch_floats(int64_t rows) const { return static_cast<size_t>(2 * rows * gate.size(0)); }
};

}  // namespace kilotoken
