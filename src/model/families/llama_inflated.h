#pragma once
// Inflation: a small trained model made as wide and deep as a large one without changing what it
// computes, so that one model both costs like the large one and has something to say.

#include <memory>

#include "base/result.h"
#include "model/config/model_config.h"
#include "model/weights/weight_source.h"

namespace kilotoken {

struct InflatedModel {
  ModelConfig config;
  std::unique_ptr<WeightSource> weights;
};

// `weights` of shape `from` (an HF checkpoint) in the shape of `to`: its widths, heads and feed-
// forward size; as many layers as make the bytes read per token nearest to those of `to`, whose
// vocabulary is larger. Vocabulary, positions and rotation stay those of `from`.
//
// The same function in exact arithmetic: new channels, heads and layers add zeros; the RMS norm's
// mean over more channels is made up for by eps and norm weights, the attention's 1 / sqrt(head
// size) by the queries. These factors are exact in the stored type where they are powers of two;
// else the tensors that carry them are kept in float32. Tensors are made on demand
// (weights_on_demand), from `weights`.
//
// kUnsupported: a GGUF checkpoint (its rows are in another order). kInvalid: a shape that is
// smaller in any way, or whose head size is no multiple; the message has the numbers.
Result<InflatedModel> inflate_llama(const ModelConfig& from, std::unique_ptr<WeightSource> weights,
                                    const ModelConfig& to);

}  // namespace kilotoken
