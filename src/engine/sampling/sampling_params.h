#pragma once
// What a request may ask of sampling, with OpenAI's and vLLM's names, defaults and meanings.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kilotoken {

struct SamplingParams {
  float temperature = 1.0f;  // 0 = greedy
  int top_k = 0;             // 0 or -1 = off
  float top_p = 1.0f;
  float min_p = 0.0f;
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  float repetition_penalty = 1.0f;  // over prompt and output, as HF and vLLM
  std::vector<std::pair<int32_t, float>> logit_bias;
  uint64_t seed = 0;  // drawn at admission when the request gives none
  int n = 1;
  int max_tokens = 16;  // 0 = only score the prompt
  int min_tokens = 0;
  bool ignore_eos = false;
  std::vector<int32_t> stop_token_ids;
  std::vector<std::string> stop;
  bool include_stop_str_in_output = false;
  bool skip_special_tokens = true;
  std::optional<int> logprobs;         // alternatives beside the chosen token; 0 = the chosen only
  std::optional<int> prompt_logprobs;  // the same for each prompt token
};

// Ranges as OpenAI and vLLM state them; the error names the field. `vocab_size` bounds token ids.
Result<void> validate(const SamplingParams& params, int vocab_size);

}  // namespace kilotoken
