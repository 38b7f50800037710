#include "engine/run/engine_limits.h"

#include <algorithm>

namespace kilotoken {

Result<void> EngineLimits::check(const Request& request) const {
  if (request.prompt.empty()) return invalid("the prompt must hold at least one token", "prompt");
  // The last token that is sampled is never computed.
  const auto prompt = static_cast<int64_t>(request.prompt.size());
  const int64_t tokens = prompt + std::max(1, request.sampling.max_tokens) - 1;
  const int64_t room = int64_t{page_count} * page_tokens;
  if (tokens <= room) return {};
  return Error{ErrorCode::kTooLarge,
               "a prompt of " + std::to_string(prompt) + " tokens and max_tokens " +
                   std::to_string(request.sampling.max_tokens) + " need " +
                   std::to_string((tokens + page_tokens - 1) / page_tokens) + " KV pages of " +
                   std::to_string(page_tokens) + " tokens, and all there are is " +
                   std::to_string(page_count) +
                   ": shorten them, or start with more (--kv-cache-memory-bytes)",
               "prompt"};
}

}  // namespace kilotoken
