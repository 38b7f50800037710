#pragma once
// Regular expressions of tokenizer files, matched by PCRE2 (compiled to machine code where it can)
// with Unicode properties. They are written for Oniguruma in its Ruby syntax; regex_syntax.h says
// what is translated.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kilotoken {

struct RegexSpan {
  size_t begin, end;
  bool matched;
};

class Regex {
 public:
  // `where` begins the message when the pattern is one that cannot be compiled (kInvalid).
  static Result<Regex> compile(std::string_view pattern, std::string_view where);
  // The text itself, no sign in it has a meaning.
  static Result<Regex> literal(std::string_view text, std::string_view where);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

 private:
  friend class RegexMatcher;
  struct Code;
  explicit Regex(std::unique_ptr<const Code> code);
  std::unique_ptr<const Code> code_;
};

// What one thread needs to match with a Regex; cheap to keep, not quite so to make. All texts given
// to it share one budget of backtracking, which grows with their length.
class RegexMatcher {
 public:
  explicit RegexMatcher(const Regex& regex);
  ~RegexMatcher();
  RegexMatcher(const RegexMatcher&) = delete;
  RegexMatcher& operator=(const RegexMatcher&) = delete;

  // Appends the matches from left to right and what lies between them, so that the spans are the
  // whole text. An empty match directly after a match does not count. `text` must be UTF-8.
  // kTooLarge: the pattern goes back and forth over this text for too long.
  Result<void> split(std::string_view text, std::vector<RegexSpan>& spans);

 private:
  struct State;
  // True and the match, if there is one at or after `at`.
  Result<bool> search(std::string_view text, size_t at, RegexSpan& match);
  std::unique_ptr<State> state_;
};

}  // namespace kilotoken
