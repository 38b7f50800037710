#include "serve/api/api_keys.h"

#include <algorithm>

namespace kilotoken {
namespace {

// The rest of "Bearer KEY"; empty for other schemes.
std::string_view bearer(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  if (authorization.size() < kScheme.size() ||
      !std::equal(kScheme.begin(), kScheme.end(), authorization.begin(),
                  [&](char wanted, char given) { return same(given, wanted); })) {
    return {};
  }
  authorization.remove_prefix(kScheme.size());
  const size_t first = authorization.find_first_not_of(' ');
  return first == authorization.npos ? std::string_view() : authorization.substr(first);
}

}  // namespace

ApiKeys::ApiKeys(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    KT_CHECK(check(key).ok(), "an API key that no client could send");
    keys_.push_back(pad(key));
  }
}

Result<void> ApiKeys::check(std::string_view key) {
  const bool printable =
      std::all_of(key.begin(), key.end(), [](char c) { return c > 32 && c < 127; });
  if (!key.empty() && key.size() <= kMostBytes && printable) return {};
  return invalid("an API key must be 1 to " + std::to_string(kMostBytes) +
                     " printable ASCII characters without spaces",
                 "api_key");
}

ApiKeys::Padded ApiKeys::pad(std::string_view key) {
  Padded padded;
  padded.size = key.size();
  std::copy_n(key.begin(), std::min(key.size(), kMostBytes), padded.bytes.begin());
  return padded;
}

bool ApiKeys::contains(std::string_view given) const {
  const Padded shown = pad(given);
  bool found = false;
  for (const Padded& key : keys_) {
    volatile unsigned difference = static_cast<unsigned>(key.size != shown.size);  // no early end
    for (size_t i = 0; i < kMostBytes; ++i) {
      difference = difference | static_cast<unsigned>(key.bytes[i] ^ shown.bytes[i]);
    }
    found |= difference == 0;
  }
  return found;
}

bool ApiKeys::admits(const HttpRequest& request) const {
  if (keys_.empty()) return true;
  const bool by_bearer = contains(bearer(request.header("authorization")));
  const bool by_header = contains(request.header("x-api-key"));
  return by_bearer || by_header;
}

std::string_view ApiKeys::shown(const HttpRequest& request) const {
  const std::string_view by_bearer = bearer(request.header("authorization"));
  const std::string_view by_header = request.header("x-api-key");
  if (contains(by_bearer)) return by_bearer;
  return contains(by_header) ? by_header : std::string_view();
}

}  // namespace kilotoken
