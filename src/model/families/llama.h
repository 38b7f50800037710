#pragma once
// The Llama family: Llama 2 and 3, CodeLlama, Mistral (with its sliding window).
// Touvron et al., arXiv 2302.13971 and 2307.09288; Jiang et al., arXiv 2310.06825.

#include <vector>

#include "model/families/model.h"
#include "model/weights/made_weights.h"

namespace kilotoken {

// Tensor names of HF checkpoints ("model.layers.0.self_attn.q_proj.weight") or of GGUF files
// ("blk.0.attn_q.weight").
enum class TensorNames { kHf, kGguf };

Result<std::unique_ptr<Model>> build_llama(const ModelConfig& config, CheckpointReader& reader,
                                           TensorNames names, const Kernels& kernels);

// Every tensor that build_llama() looks for in an HF checkpoint of this shape.
std::vector<TensorShape> llama_tensors(const ModelConfig& config);

}  // namespace kilotoken
