// The bodies of POST /v1/completions and /v1/chat/completions. An accepted request keeps what the
// engine and the templates rely on.

#include "fuzz_target.h"
#include "serve/api/chat_messages.h"
#include "serve/api/chat_request.h"
#include "serve/api/completion_request.h"

namespace kilotoken {
namespace {

constexpr int kVocabSize = 512;

void check_refusal(const Error& error) {
  KT_CHECK(error.message.find('\n') == std::string::npos, error.message);
}

void check_completion(const OrderedJson& body) {
  const auto request = parse_completion_request(body, SamplingParams(), kVocabSize);
  if (!request.ok()) return check_refusal(request.error());
  KT_CHECK(!request->prompts.empty() && request->sampling.n >= 1);
  for (const Prompt& prompt : request->prompts) {
    const auto* ids = std::get_if<std::vector<int32_t>>(&prompt);
    if (!ids) continue;
    for (const int32_t id : *ids) KT_CHECK(id >= 0 && id < kVocabSize);
  }
}

void check_chat(const OrderedJson& body) {
  auto request = parse_chat_request(body, SamplingParams(), kVocabSize);
  if (!request.ok()) return check_refusal(request.error());
  Conversation& chat = request->chat;
  KT_CHECK(!chat.messages.empty() && request->sampling.n >= 1);
  KT_CHECK(chat.documents.is_null() || chat.documents.is_array());
  KT_CHECK(chat.template_kwargs.is_null() || chat.template_kwargs.is_object());
  join_contents(chat.messages);
  for (const OrderedJson& message : chat.messages) {
    KT_CHECK(message.at("role").is_string() && message.at("content").is_string());
  }
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  const auto body = parse_ordered_json({reinterpret_cast<const char*>(data), size}, "request body");
  if (!body.ok()) return 0;
  check_completion(*body);
  check_chat(*body);
  return 0;
}
