#include "model/text/unicode/regex_syntax.h"

#include "model/weights/printable.h"

namespace kilotoken {
namespace {

// Within a class. PCRE2's \s has U+180E besides, its \w lacks the marks.
constexpr std::string_view kSpaces =
    R"(\t-\r\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr std::string_view kNoSpaces =
    R"(\x{00}-\x08\x0E-\x1F!-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF})"
    R"(\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF})";
constexpr std::string_view kWord = R"(\p{L}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kHex = "0-9A-Fa-f";

struct Class {
  bool negated = false;
  std::string content;
  std::string lookahead;  // what `&&` asks besides
};

class Translator {
 public:
  Translator(std::string_view pattern, std::string_view where) : rest_(pattern), where_(where) {}

  Result<std::string> translate() {
    while (!rest_.empty()) {
      if (rest_[0] == '\\') {
        KT_TRY_VOID(escape());
      } else if (rest_[0] == '[') {
        KT_TRY(const Class outer, character_class(0));
        out_ += outer.lookahead;
        out_ += outer.negated ? "[^" : "[";
        out_ += outer.content;
        out_ += ']';
      } else {
        out_ += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return out_;
  }

 private:
  Error refuse(const std::string& what) const {
    return {ErrorCode::kUnsupported,
            std::string(where_) + ": " + what +
                " in a pattern is not in "
                "this build yet",
            {}};
  }
  Error unfinished() const {
    return invalid(std::string(where_) + ": a pattern ends within a class or an escape");
  }

  // The four digits of \uHHHH as \x{HHHH}.
  Result<std::string> unicode_escape() {
    if (rest_.size() < 6) return unfinished();
    const std::string digits(rest_.substr(2, 4));
    if (digits.find_first_not_of("0123456789ABCDEFabcdef") != digits.npos) return unfinished();
    rest_.remove_prefix(6);
    std::string code = "\\x{";
    code += digits;
    return code += '}';
  }

  Result<void> escape() {
    if (rest_.size() < 2) return unfinished();
    const char letter = rest_[1];
    if (letter == 'u') {
      KT_TRY(const std::string code, unicode_escape());
      out_ += code;
      return {};
    }
    const bool negated = letter == 'S' || letter == 'W' || letter == 'H';
    const std::string_view set = class_of(letter);
    if (set.empty()) {
      out_ += rest_.substr(0, 2);
    } else {
      out_ += negated ? "[^" : "[";
      out_ += set;
      out_ += ']';
    }
    rest_.remove_prefix(2);
    return {};
  }

  static std::string_view class_of(char letter) {
    switch (letter) {
      case 's':
      case 'S':
        return kSpaces;
      case 'w':
      case 'W':
        return kWord;
      case 'h':
      case 'H':
        return kHex;
      default:
        return {};
    }
  }

  Result<void> escape_in_class(std::string& content) {
    if (rest_.size() < 2) return unfinished();
    const char letter = rest_[1];
    if (letter == 'u') {
      KT_TRY(const std::string code, unicode_escape());
      content += code;
      return {};
    }
    if (letter == 'S') {
      content += kNoSpaces;
    } else if (letter == 'W' || letter == 'H') {
      return refuse("\\W or \\H within a class");
    } else if (const std::string_view set = class_of(letter); !set.empty()) {
      content += set;
    } else {
      content += rest_.substr(0, 2);
    }
    rest_.remove_prefix(2);
    return {};
  }

  // At a '['. A class within is taken into this one; what `&&` adds becomes a lookahead.
  Result<Class> character_class(int depth) {
    if (depth > 1) return refuse("a class nested twice");
    Class set;
    rest_.remove_prefix(1);
    if (rest_.starts_with('^')) {
      set.negated = true;
      rest_.remove_prefix(1);
    }
    for (bool first = true;; first = false) {
      if (rest_.empty()) return unfinished();
      if (rest_[0] == ']' && !first) break;
      KT_TRY_VOID(element(set, depth));
    }
    rest_.remove_prefix(1);
    return set;
  }

  Result<void> element(Class& set, int depth) {
    if (rest_[0] == '\\') return escape_in_class(set.content);
    if (rest_.starts_with("[:")) {
      const size_t end = rest_.find(":]");
      if (end == rest_.npos) return unfinished();
      set.content += rest_.substr(0, end + 2);
      rest_.remove_prefix(end + 2);
    } else if (rest_[0] == '[') {
      KT_TRY(const Class inner, character_class(depth + 1));
      if (inner.negated || !inner.lookahead.empty()) return refuse("[^...] within a class");
      set.content += inner.content;
    } else if (rest_.starts_with("&&")) {
      rest_.remove_prefix(2);
      if (set.negated || depth > 0 || !rest_.starts_with('[')) return refuse("&& at this place");
      KT_TRY(const Class inner, character_class(depth + 1));
      set.lookahead += inner.negated ? "(?![" : "(?=[";
      set.lookahead += inner.content;
      set.lookahead += "])";
      if (!rest_.starts_with(']') && !rest_.starts_with("&&")) return refuse("&& at this place");
    } else {
      if (rest_[0] == ']') set.content += '\\';
      set.content += rest_[0];
      rest_.remove_prefix(1);
    }
    return {};
  }

  std::string_view rest_;
  std::string_view where_;
  std::string out_;
};

}  // namespace

Result<std::string> pcre2_pattern(std::string_view pattern, std::string_view where) {
  return Translator(pattern, where).translate();
}

}  // namespace kilotoken
