#pragma once
// Rotary position embedding (Su et al., arXiv 2104.09864): the angles, with the scalings that
// stretch a model's context.

#include <vector>

#include "compute/tensor/tensor.h"
#include "model/config/model_config.h"

namespace kilotoken {

// [head_dim / 2]: theta^(-2i / head_dim), scaled
//   linear (position interpolation, arXiv 2306.15595): divided by the factor;
//   llama3 (Meta's Llama 3.1 reference): wavelengths over original / low_freq_factor divided by the
//   factor, under original / high_freq_factor kept, between them blended.
// `divisors` [head_dim / 2], if not empty, divides on top (GGUF's rope_freqs.weight).
std::vector<float> rope_inverse_frequencies(const RopeConfig& rope, int head_dim,
                                            const Tensor& divisors);

}  // namespace kilotoken
