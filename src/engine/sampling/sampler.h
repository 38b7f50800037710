#pragma once
// Sampler: one row of logits to one token. The random number is a function of (seed, choice,
// position), so a token never depends on what else is in the batch.
//
// The steps, in vLLM's order: logit bias and min_tokens mask; repetition, frequency and presence
// penalty; then the largest logit if the temperature is 0, else temperature, min-p, top-k, top-p
// (of what top-k left, renormalised) and a draw: the inverse of the cumulative distribution over
// the remaining tokens in ascending id. Weights and sums are float64. Ties go to the lower id.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sampling/sampling_params.h"

namespace kilotoken {

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0;                           // natural log, of the model's own distribution
  int rank = 0;                                // 1 = the most likely
  std::vector<std::pair<int32_t, float>> top;  // most likely first, ties to the lower id
};

// What sampling must remember of one sequence.
struct SamplingState {
  std::unordered_map<int32_t, int> output_counts;  // presence and frequency penalties
  std::unordered_map<int32_t, int> prompt_counts;  // repetition penalty sees these too
};

struct SampleRequest {
  const SamplingParams* params;
  const SamplingState* state;          // may be null without penalties
  std::span<const int32_t> forbidden;  // EOS and stop ids while under min_tokens
  int choice;                          // 0 .. n-1
  int position;                        // of the token to be drawn
};

struct Sample {
  int32_t token = -1;
  bool bad_logits = false;  // NaN or Inf, or every token forbidden: none was drawn
};

// `logits` [vocab] is changed in place (bias, penalties).
Sample sample_token(std::span<float> logits, const SampleRequest& request);

// Log-softmax of untouched logits: the chosen token and the `top_count` most likely.
TokenLogprob token_logprob(std::span<const float> logits, int32_t token, int top_count);

}  // namespace kilotoken
