#include "serve/api/chat_request.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace kilotoken {
namespace {

constexpr int kMaxTopLogprobs = 20;

constexpr std::array<std::string_view, 11> kUnsupported = {
    "tools",      "functions",        "function_call",      "audio",
    "prediction", "reasoning_effort", "web_search_options", "mm_processor_kwargs",
    "verbosity",  "thinking",         "media_io_kwargs"};

// "none" and "text" are what this server does anyway.
Result<void> refuse_other_than(JsonFields& fields, std::string_view name, const OrderedJson& only) {
  const OrderedJson* value = fields.find(name);
  if (!value || *value == only) return {};
  return Error{ErrorCode::kUnsupported,
               std::string(name) + " is not supported: leave it out, or make it " + only.dump(),
               std::string(name)};
}

Result<void> refuse_tools_and_media(JsonFields& fields) {
  KT_TRY_VOID(refuse_unsupported(fields, kUnsupported));
  KT_TRY_VOID(refuse_other_than(fields, "tool_choice", "none"));
  return refuse_other_than(fields, "modalities", OrderedJson::array({"text"}));
}

// true and the number of alternatives, where completions take just the number.
Result<void> read_logprobs(JsonFields& fields, SamplingParams& sampling) {
  bool logprobs = false;
  std::optional<int> top;
  KT_TRY_VOID(fields.read("logprobs", logprobs));
  KT_TRY_VOID(fields.read("top_logprobs", top));
  if (top && (*top < 0 || *top > kMaxTopLogprobs)) {
    return invalid("top_logprobs must be between 0 and " + std::to_string(kMaxTopLogprobs) +
                       ", not " + std::to_string(*top),
                   "top_logprobs");
  }
  if (top.value_or(0) > 0 && !logprobs) {
    return invalid("top_logprobs is only for requests with \"logprobs\": true", "top_logprobs");
  }
  if (logprobs) sampling.logprobs = top.value_or(0);
  return {};
}

// max_completion_tokens wins over the older max_tokens.
Result<void> read_limit(JsonFields& fields, ChatRequest& request) {
  for (const std::string_view name : {"max_tokens", "max_completion_tokens"}) {
    std::optional<int> limit;
    KT_TRY_VOID(fields.read(name, limit));
    if (!limit) continue;
    if (*limit < 1) {
      return invalid(std::string(name) + " must be at least 1, not " + std::to_string(*limit),
                     std::string(name));
    }
    KT_TRY_VOID(read_max_tokens(fields, name, request));
  }
  return {};
}

}  // namespace

Result<ChatRequest> parse_chat_request(const OrderedJson& body, const SamplingParams& defaults,
                                       int vocab_size) {
  KT_TRY_VOID(check_is_object(body));
  JsonFields fields(body);
  ChatRequest request;
  request.sampling = defaults;
  request.add_special_tokens = false;  // the template writes its own
  KT_TRY(request.chat, read_chat(fields));
  KT_TRY_VOID(read_limit(fields, request));
  KT_TRY_VOID(read_logprobs(fields, request.sampling));
  KT_TRY_VOID(read_generation(fields, request));
  KT_TRY_VOID(refuse_tools_and_media(fields));
  // Without tools there is nothing that could be called in parallel.
  if (fields.find("parallel_tool_calls")) {
    request.without_effect.emplace_back("parallel_tool_calls");
  }
  KT_TRY_VOID(finish_generation(fields, vocab_size, request));
  return request;
}

}  // namespace kilotoken
