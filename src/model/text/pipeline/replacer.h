#pragma once
// Replacer: every match of a pattern by the same content, in normalizers and decoders.

#include <optional>
#include <string>
#include <string_view>

#include "model/text/unicode/regex.h"

namespace kilotoken {

class Replacer {
 public:
  static Result<Replacer> make(std::string_view pattern, bool regex, std::string content,
                               std::string_view where);
  struct Outcome {
    std::string text;
    bool dropped_front = false;  // the first character was taken away, not replaced
  };
  // kTooLarge: the result is longer than `most_bytes`, or the pattern takes too long.
  Result<Outcome> replace(std::string_view text, size_t most_bytes) const;

  // The text searched for; nothing if it is a pattern.
  const std::optional<std::string>& plain_text() const { return plain_; }
  const std::string& content() const { return content_; }

 private:
  explicit Replacer(Regex regex) : regex_(std::move(regex)) {}
  Regex regex_;
  std::optional<std::string> plain_;
  std::string content_;
};

}  // namespace kilotoken
