#include "model/blocks/mlp.h"

namespace kilotoken {

void GatedMlp::forward(const BlockContext& context, const float* normed, float* residual) const {
  const int64_t rows = context.batch.rows(), wide = rows * gate.out();
  float* gated = context.workspace.take<float>(static_cast<size_t>(wide)).data();
  float* upper = context.workspace.take<float>(static_cast<size_t>(wide)).data();
  context.linear({normed, gate, gated, rows});
  context.linear({normed, up, upper, rows});
  context.kernels.silu_multiply(gated, upper, wide, context.pool);
  context.linear({gated, down, residual, rows, /*accumulate=*/true});
}

}  // namespace kilotoken
