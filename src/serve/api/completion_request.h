#pragma once
// The body of POST /v1/completions.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "serve/api/generation_request.h"

namespace kilotoken {

using Prompt = std::variant<std::string, std::vector<int32_t>>;

struct CompletionRequest : GenerationRequest {
  std::vector<Prompt> prompts;  // at least one
};

// `defaults` holds what sampling is when the request does not say. kInvalid names the field;
// kUnsupported names a field that would change the answer and that is not built.
Result<CompletionRequest> parse_completion_request(const OrderedJson& body,
                                                   const SamplingParams& defaults, int vocab_size);

}  // namespace kilotoken
