#pragma once
// What a request may ask of text generation, whichever endpoint takes it: OpenAI's fields and
// vLLM's additions, from JSON to a struct.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "engine/sampling/sampling_params.h"
#include "serve/api/json_fields.h"

namespace kilotoken {

struct GenerationRequest {
  std::string model;        // empty: not given
  SamplingParams sampling;  // its seed is not set: see `seed`
  std::optional<int64_t> seed;
  bool max_tokens_given = false;
  bool echo = false;
  bool stream = false;
  bool include_usage = false;     // a last chunk with the counts
  bool continuous_usage = false;  // the counts so far in every chunk
  bool add_special_tokens = true;
  bool return_token_ids = false;
  bool include_timings = false;  // with the last chunk or the answer: what took how long
  // What the answer lists of the prompt's tokens; sampling.prompt_logprobs covers an echo as well.
  std::optional<int> shown_prompt_logprobs;
  std::string cache_salt;      // vLLM's: cached prompts are shared only with this salt
  bool tokens_as_ids = false;  // logprobs name tokens "token_id:17"
  // Parameters that have no effect: those that clients of OpenAI send as a matter of course, and
  // those that are not known.
  std::vector<std::string> without_effect, unknown;

  std::vector<std::string> ignored() const;  // both
};

Result<void> check_is_object(const OrderedJson& body);

// Fields that would change the answer are refused by name (kUnsupported) unless they ask for
// nothing: false, empty, or plain text.
Result<void> refuse_unsupported(JsonFields& fields, std::span<const std::string_view> names);

// All that the endpoints have in common but the limit of tokens and `logprobs`, whose names or
// types differ. kInvalid names the field. Fields that no build of this program knows how to honour
// yet are refused here.
Result<void> read_generation(JsonFields& fields, GenerationRequest& request);

// The limit of tokens under the name that the endpoint gives it.
Result<void> read_max_tokens(JsonFields& fields, std::string_view name, GenerationRequest& request);

// After everything is read: ranges, and what does not go together. Notes what had no effect.
Result<void> finish_generation(const JsonFields& fields, int vocab_size,
                               GenerationRequest& request);

}  // namespace kilotoken
