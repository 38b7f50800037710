#include "model/blocks/mlp.h"

namespace kilotoken {

void GatedMlp::forward(const BlockContext& context, const float* normed, float* residual) const {
  const auto& [kernels, pool, workspace, batch] = context;
  const int64_t rows = batch.rows(), wide = rows * gate.size(0);
  float* gated = workspace.take<float>(static_cast<size_t>(wide)).data();
  float* upper = workspace.take<float>(static_cast<size_t>(wide)).data();
  kernels.linear({normed, gate, gated, rows}, pool);
  kernels.linear({normed, up, upper, rows}, pool);
  kernels.silu_multiply(gated, upper, wide, pool);
  kernels.linear({gated, down, residual, rows, /*accumulate=*/true}, pool);
}

}  // namespace kilotoken
