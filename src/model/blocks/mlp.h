#pragma once
// The gated feed-forward block of the Llama family: down(silu(gate(x)) * up(x)).

#include "model/blocks/batch.h"

namespace kilotoken {

struct GatedMlp {
  Weight gate;  // [intermediate, hidden]
  Weight up;    // [intermediate, hidden]
  Weight down;  // [hidden, intermediate]

  // residual[rows, hidden] += block(normed[rows, hidden])
  void forward(const BlockContext& context, const float* normed, float* residual) const;

  size_t scratch_floats(int64_t rows) const { return static_cast<size_t>(2 * rows * gate.out()); }
};

}  // namespace kilotoken
