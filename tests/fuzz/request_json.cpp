// The body of POST /v1/completions. An accepted request keeps what the engine relies on.

#include "fuzz_target.h"
#include "serve/api/completion_request.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  const auto body = parse_json({reinterpret_cast<const char*>(data), size}, "request body");
  if (!body.ok()) return 0;
  constexpr int kVocabSize = 512;
  const auto request = parse_completion_request(*body, SamplingParams(), kVocabSize);
  if (!request.ok()) {
    KT_CHECK(request.error().message.find('\n') == std::string::npos, request.error().message);
    return 0;
  }
  KT_CHECK(!request->prompts.empty() && request->sampling.n >= 1);
  for (const Prompt& prompt : request->prompts) {
    const auto* ids = std::get_if<std::vector<int32_t>>(&prompt);
    if (!ids) continue;
    for (const int32_t id : *ids) KT_CHECK(id >= 0 && id < kVocabSize);
  }
  return 0;
}
