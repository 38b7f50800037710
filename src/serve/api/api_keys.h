#pragma once
// ApiKeys: the keys that clients may show. Comparing takes the same time whichever key is wrong,
// wherever it differs and however long it is.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"

namespace kilotoken {

class ApiKeys {
 public:
  static constexpr size_t kMostBytes = 512;

  // No keys: everybody is let in. Each key must pass check().
  explicit ApiKeys(const std::vector<std::string>& keys);

  // kInvalid unless the key can be sent in a header: 1 to kMostBytes printable ASCII characters
  // without spaces.
  static Result<void> check(std::string_view key);

  // "Authorization: Bearer KEY" or "x-api-key: KEY" with one of the keys.
  bool admits(const HttpRequest& request) const;
  // The key that was shown; empty without keys, or if it is none of them.
  std::string_view shown(const HttpRequest& request) const;

 private:
  struct Padded {
    std::array<unsigned char, kMostBytes> bytes{};
    size_t size = 0;
  };
  static Padded pad(std::string_view key);
  bool contains(std::string_view given) const;

  std::vector<Padded> keys_;
};

}  // namespace kilotoken
