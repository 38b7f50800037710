#pragma once
// How tokens and their numbers look on the wire, whatever the endpoint.

#include <string>
#include <vector>

#include "base/json.h"
#include "engine/sampling/sampler.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

// Bytes that are not UTF-8 by themselves come out as "bytes:\xe2\x82", special forms as they are.
std::string token_text(const Tokenizer* tokenizer, int32_t token, bool as_id);

// JSON has no infinity: vLLM's floor for log probabilities.
float shown_logprob(float logprob);

// vLLM's list by position: null for the first, else by token id, at most `most` alternatives.
OrderedJson prompt_logprobs_json(const std::vector<TokenLogprob>& positions,
                                 const Tokenizer* tokenizer, int most);

// `cached_tokens`: of the prompt, found in the prefix cache.
OrderedJson usage_json(int prompt_tokens, int cached_tokens, int completion_tokens);

}  // namespace kilotoken
