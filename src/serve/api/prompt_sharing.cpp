#include "serve/api/prompt_sharing.h"

#include <algorithm>

#include "base/sha256.h"
#include "serve/api/chat_messages.h"
#include "serve/api/chat_prompt.h"

namespace kilotoken {
namespace {

size_t common_length(std::span<const int32_t> a, std::span<const int32_t> b) {
  return static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// What every chat with this system message begins with; nothing without a template that takes one.
std::vector<int32_t> chat_prefix(const ApiContext& context, const std::string& system) {
  const auto tokens = [&](const char* user) -> Result<std::vector<int32_t>> {
    OrderedJson messages = OrderedJson::array();
    messages.push_back({{"role", "system"}, {"content", system}});
    messages.push_back({{"role", "user"}, {"content", user}});
    Conversation chat;
    KT_TRY(chat.messages, read_messages(&messages));
    return chat_tokens(context, chat, /*add_special_tokens=*/false);
  };
  const auto one = tokens("a"), other = tokens("0");
  if (!one.ok() || !other.ok()) return {};
  std::vector<int32_t> common = *one;
  common.resize(common_length(*one, *other));
  return common;
}

}  // namespace

std::string salt_for(std::string_view api_key, const std::string& cache_salt) {
  if (api_key.empty()) return cache_salt;
  const Sha256 hash = hmac_sha256(api_key, cache_salt);
  return {hash.begin(), hash.end()};
}

PromptSharing::PromptSharing(const ApiContext& context, const std::vector<std::string>& texts) {
  const Tokenizer* tokenizer = context.model.tokenizer();
  for (std::string text : texts) {
    // An editor ends the last line of a file, a request's text mostly does not.
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (!tokenizer || text.empty()) continue;
    auto whole = tokenizer->encode(text, /*add_special_tokens=*/true);
    if (whole.ok()) prefixes_.push_back(std::move(*whole));
    prefixes_.push_back(chat_prefix(context, text));
  }
}

int PromptSharing::shared_tokens(std::span<const int32_t> prompt) const {
  size_t longest = 0;
  for (const auto& prefix : prefixes_) longest = std::max(longest, common_length(prompt, prefix));
  return static_cast<int>(longest);
}

}  // namespace kilotoken
