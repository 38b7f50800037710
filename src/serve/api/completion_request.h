#pragma once
// The body of POST /v1/completions: OpenAI's fields and vLLM's additions, from JSON to a struct.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/sampling/sampling_params.h"

namespace kilotoken {

using Prompt = std::variant<std::string, std::vector<int32_t>>;

struct CompletionRequest {
  std::string model;            // empty: not given
  std::vector<Prompt> prompts;  // at least one
  SamplingParams sampling;      // its seed is not set: see `seed`
  std::optional<int64_t> seed;
  bool max_tokens_given = false;
  bool echo = false;
  bool stream = false;
  bool include_usage = false;     // a last chunk with the counts
  bool continuous_usage = false;  // the counts so far in every chunk
  bool add_special_tokens = true;
  bool return_token_ids = false;
  // What the answer lists of the prompt's tokens; sampling.prompt_logprobs covers an echo as well.
  std::optional<int> shown_prompt_logprobs;
  bool tokens_as_ids = false;        // logprobs name tokens "token_id:17"
  std::vector<std::string> ignored;  // parameters that are not known

  int choice_count() const { return static_cast<int>(prompts.size()) * sampling.n; }
};

// `defaults` holds what sampling is when the request does not say. kInvalid names the field;
// kUnsupported names a field that would change the answer and that is not built.
Result<CompletionRequest> parse_completion_request(const Json& body, const SamplingParams& defaults,
                                                   int vocab_size);

}  // namespace kilotoken
