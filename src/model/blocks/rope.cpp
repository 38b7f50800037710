#include "model/blocks/rope.h"

#include <cmath>
#include <numbers>

namespace kilotoken {
namespace {

double llama3_scaled(double inv_freq, const RopeConfig& rope) {
  const double original = rope.original_max_position_embeddings;
  const double wavelength = 2.0 * std::numbers::pi / inv_freq;
  if (wavelength < original / rope.high_freq_factor) return inv_freq;
  if (wavelength > original / rope.low_freq_factor) return inv_freq / rope.factor;
  const double kept = (original / wavelength - rope.low_freq_factor) /
                      (rope.high_freq_factor - rope.low_freq_factor);
  return (1.0 - kept) * inv_freq / rope.factor + kept * inv_freq;
}

}  // namespace

std::vector<float> rope_inverse_frequencies(const RopeConfig& rope, int head_dim,
                                            const Tensor& divisors) {
  std::vector<float> frequencies(static_cast<size_t>(head_dim / 2));
  for (int i = 0; i < head_dim / 2; ++i) {
    double frequency = std::pow(rope.theta, -2.0 * i / head_dim);
    if (rope.scaling == RopeScaling::kLinear) frequency /= rope.factor;
    if (rope.scaling == RopeScaling::kLlama3) frequency = llama3_scaled(frequency, rope);
    if (!divisors.empty()) frequency /= divisors.at(i);
    frequencies[static_cast<size_t>(i)] = static_cast<float>(frequency);
  }
  return frequencies;
}

}  // namespace kilotoken
