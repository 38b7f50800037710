#pragma once
// Sampler: one row of logits to one token. The random number is a function of (seed, choice,
// position), so a token never depends on what else is in the batch. Order of steps, as vLLM:
// logit bias and min_tokens mask, penalties, temperature, min-p, top-k, top-p, draw.

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sampling/sampling_params.h"

namespace kilotoken {

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0;                              // natural log, of the model's own distribution
  int rank = 0;                                   // 1 = the most likely
  std::vector<std::pair<int32_t, float>> top;     // most likely first, ties to the lower id
};

// What sampling must remember of one sequence.
struct SamplingState {
  std::unordered_map<int32_t, int> output_counts;  // presence and frequency penalties
  std::unordered_map<int32_t, int> prompt_counts;  // repetition penalty sees these too
};

struct SampleRequest {
  const SamplingParams* params;
  const SamplingState* state;
  std::span<const int32_t> forbidden;  // EOS and stop ids while under min_tokens
  int choice;                          // 0 .. n-1
  int position;                        // of the token to be drawn
};

struct Sample {
  int32_t token = -1;
  bool bad_logits = false;  // NaN or Inf: no token was drawn
};

// `logits` [vocab] is changed in place (bias, penalties).
Sample sample_token(std::span<float> logits, const SampleRequest& request);

// Log-softmax of untouched logits: the chosen token and the `top_count` most likely.
TokenLogprob token_logprob(std::span<const float> logits, int32_t token, int top_count);

}  // namespace kilotoken
