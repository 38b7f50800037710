#pragma once
// Model: token ids and positions in, logits out. Const after load and knows nothing of requests; it
// sees the KV cache only as pages and block tables inside the Batch.

#include <memory>
#include <string_view>

#include "base/result.h"
#include "compute/kernels/kernels.h"
#include "compute/tensor/arena.h"
#include "model/blocks/batch.h"
#include "model/blocks/checkpoint.h"
#include "model/config/model_config.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

struct ForwardOut {
  std::span<const float> logits;  // [logit_rows, vocab], in the workspace
  LinearCalls linear;
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelConfig& config() const = 0;
  virtual DType weight_dtype() const = 0;  // of the linears, as attention's output is stored
  virtual const LoadReport& loaded() const = 0;
  virtual KvSpec kv_spec(DType kv_dtype) const = 0;
  // Scratch that a step of at most `rows` rows and `logit_rows` wanted logits needs.
  virtual size_t workspace_bytes(int rows, int logit_rows) const = 0;
  virtual ForwardOut forward(const Batch& batch, Workspace& workspace, ThreadPool& pool) const = 0;
};

// Looks the architecture up in the one registry table; kUnsupported lists those known. kTooLarge,
// with the numbers, when the weights as they are loaded do not fit into memory. Matrices
// that the kernels want packed are, by the threads of the pool that is to read them, and let go of
// in `weights`; others are used where they lie.
Result<std::unique_ptr<Model>> build_model(const ModelConfig& config, const WeightSource& weights,
                                           const Kernels& kernels, ThreadPool& pool,
                                           const LoadOptions& options = {});

}  // namespace kilotoken
