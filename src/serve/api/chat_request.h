#pragma once
// The body of POST /v1/chat/completions.

#include "serve/api/chat_prompt.h"
#include "serve/api/generation_request.h"

namespace kilotoken {

struct ChatRequest : GenerationRequest {
  Conversation chat;
};

// `defaults` holds what sampling is when the request does not say. kInvalid names the field;
// kUnsupported names a field that would change the answer and that is not built.
Result<ChatRequest> parse_chat_request(const OrderedJson& body, const SamplingParams& defaults,
                                       int vocab_size);

}  // namespace kilotoken
