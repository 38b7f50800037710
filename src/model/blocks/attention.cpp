#include "model/blocks/attention.h"

#include <cmath>

namespace kilotoken {

size_t AttentionBlock::scratch_floats(int64_t rows) const {
  return static_cast<size_t>(rows) * static_cast<size_t>((2 * heads + 2 * kv_heads) * head_dim);
}

void AttentionBlock::forward(const BlockContext& context, int layer, const float* normed,
                             const std::vector<float>& inv_freq, float* residual) const {
  const auto& [kernels, pool, workspace, batch, calls] = context;
  const int64_t rows = batch.rows();
  const auto query_size = static_cast<size_t>(rows * heads * head_dim);
  const auto kv_size = static_cast<size_t>(rows * kv_heads * head_dim);
  float* queries = workspace.take<float>(query_size).data();
  float* keys = workspace.take<float>(kv_size).data();
  float* values = workspace.take<float>(kv_size).data();
  float* attended = workspace.take<float>(query_size).data();

  context.linear({normed, query, queries, rows});
  context.linear({normed, key, keys, rows});
  context.linear({normed, value, values, rows});
  const auto rotate = [&](float* vectors, int count) {
    context.kernels.rope({vectors, context.batch.positions.data(), inv_freq.data(), rows, count,
                          head_dim, interleaved_rope},
                         context.pool);
  };
  rotate(queries, heads);
  rotate(keys, kv_heads);
  // Attention reads this step's own keys back from their pages, so that they are rounded as those
  // of every other step are.
  kernels.kv_write({keys, values, batch.sequences, batch.kv, layer}, pool);
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  kernels.attention({queries, attended, batch.sequences, batch.kv, layer, heads, scale, window},
                    pool);
  context.linear({attended, output, residual, rows, /*accumulate=*/true});
}

}  // namespace kilotoken
