#pragma once
// PromptSharing: which requests may share what the prefix cache holds. By default those with the
// same API key and cache_salt, and everybody the prefixes that the operator has declared to be no
// secret.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken {

// HMAC-SHA256 of the salt with the key; without keys, the salt itself.
std::string salt_for(std::string_view api_key, const std::string& cache_salt);

struct ApiContext;

class PromptSharing {
 public:
  PromptSharing() = default;
  // `texts`: each the beginning of a completion's prompt, or a system message of chats.
  PromptSharing(const ApiContext& context, const std::vector<std::string>& texts);

  // How many of the prompt's first tokens a declared prefix has, too.
  int shared_tokens(std::span<const int32_t> prompt) const;
  const std::vector<std::vector<int32_t>>& prefixes() const { return prefixes_; }

 private:
  std::vector<std::vector<int32_t>> prefixes_;
};

}  // namespace kilotoken
