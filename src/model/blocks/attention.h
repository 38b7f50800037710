#pragma once
// The attention block: projections, rotation, the KV cache, grouped-query attention, output.

#include <vector>

#include "model/blocks/batch.h"

namespace kilotoken {

struct AttentionBlock {
  int heads = 0;
  int kv_heads = 0;
  int head_dim = 0;
  int window = 0;  // 0 = all
  bool interleaved_rope = false;
  Weight query;   // [heads * head_dim, hidden]
  Weight key;     // [kv_heads * head_dim, hidden]
  Weight value;   // [kv_heads * head_dim, hidden]
  Weight output;  // [hidden, heads * head_dim]

  // residual[rows, hidden] += block(normed[rows, hidden])
  void forward(const BlockContext& context, int layer, const float* normed,
               const std::vector<float>& inv_freq, float* residual) const;

  size_t scratch_floats(int64_t rows) const;  // per layer; taken from the workspace
};

}  // namespace kilotoken
