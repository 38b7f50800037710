#include "model/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "model/jinja/limits.h"
#include "model/jinja/unicode.h"

namespace kilotoken::jinja {
namespace {

[[noreturn]] void fail(int line, std::string message) {
  Raised raised(std::move(message));
  raised.set_line(line);
  throw raised;
}

// Every kind of line end as "\n", and none at the end of the template.
std::string normalized(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<std::string_view, 26> kOperators = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
    "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) data();
    add(Token::kEnd, "end of template");
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  char peek(size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  void advance(size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                         source_.begin() + static_cast<std::ptrdiff_t>(at_ + bytes),
                                         '\n'));
    at_ += bytes;
    if (bytes > 0) line_starting_ = source_[at_ - 1] == '\n';
  }

  void skip_space() {
    const std::string_view text = rest();
    advance(text.size() - strip_left(text).size());
  }

  Token& add(Token::Kind kind, std::string_view text) {
    tokens_.push_back({kind, line_, std::string(text), 0, 0});
    return tokens_.back();
  }

  void add_data(std::string_view text) {
    if (!text.empty()) add(Token::kData, text);
  }

  // The text in front of "{%" and its like, after '-' or lstrip_blocks have taken their share.
  std::string_view before_tag(std::string_view text, char sign, bool block) const {
    if (sign == '-') return strip_right(text);
    if (sign == '+' || !block) return text;
    const size_t newline = text.rfind('\n');
    const size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    const bool own_line = line_begin > 0 || line_starting_;
    const std::string_view indent = text.substr(line_begin);
    return own_line && strip(indent).empty() ? text.substr(0, line_begin) : text;
  }

  // Text up to the next tag, and then that tag.
  void data() {
    size_t open = at_;
    for (;; ++open) {
      open = source_.find('{', open);
      if (open == std::string::npos || open + 1 >= source_.size()) {
        add_data(rest());
        advance(source_.size() - at_);
        return;
      }
      const char next = source_[open + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    const char kind = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : '\0';
    const bool signed_tag = sign == '-' || sign == '+';
    const std::string_view text = std::string_view(source_).substr(at_, open - at_);
    add_data(before_tag(text, sign, kind != '{'));
    advance(open - at_);
    advance(signed_tag ? 3 : 2);
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    add(kind == '{' ? Token::kVariableBegin : Token::kBlockBegin, kind == '{' ? "{{" : "{%");
    inside(kind == '{' ? "}}" : "%}", kind == '%');
  }

  // Behind the end of a block or comment at `end`: its sign, the end itself, and the line end that
  // trim_blocks takes.
  void close_tag(std::string_view end, bool trim_newline) {
    const char sign = peek();
    if (sign == '-' || sign == '+') advance(1);
    advance(end.size());
    if (sign == '-') {
      skip_space();
    } else if (trim_newline && sign != '+' && peek() == '\n') {
      advance(1);
    }
  }

  void comment() {
    const int begin = line_;
    size_t end = source_.find("#}", at_);
    if (end == std::string::npos) fail(begin, "Missing end of comment tag");
    if (end > at_ && (source_[end - 1] == '-' || source_[end - 1] == '+')) --end;
    advance(end - at_);
    close_tag("#}", true);
  }

  // The length of "raw -%}" and its like, with the space around the word; 0 if it does not stand at
  // `at`.
  size_t word_tag(size_t at, std::string_view word) const {
    std::string_view text = std::string_view(source_).substr(at);
    const size_t before = text.size();
    text = strip_left(text);
    if (!text.starts_with(word)) return 0;
    text = strip_left(text.substr(word.size()));
    const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    return text.substr(sign).starts_with("%}") ? before - text.size() : 0;
  }

  bool raw() {
    const size_t open = word_tag(at_, "raw");
    if (open == 0 || peek(open) == '+') return false;
    const int begin = line_;
    advance(open);
    close_tag("%}", false);
    for (size_t tag = source_.find("{%", at_); tag != std::string::npos;
         tag = source_.find("{%", tag + 2)) {
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const size_t after = tag + (sign == '-' || sign == '+' ? 3 : 2);
      const size_t length = word_tag(after, "endraw");
      if (length == 0) continue;
      add_data(before_tag(std::string_view(source_).substr(at_, tag - at_), sign, true));
      advance(after + length - at_);
      close_tag("%}", true);
      return true;
    }
    fail(begin, "Missing end of raw directive");
  }

  // The inside of a tag up to `end`, which counts only outside of brackets.
  void inside(std::string_view end, bool trim_newline) {
    std::vector<char> brackets;
    for (;;) {
      skip_space();
      if (at_ >= source_.size()) fail(line_, "unexpected end of template inside a tag");
      const bool has_sign = peek() == '-' || (trim_newline && peek() == '+');
      if (brackets.empty() && rest().substr(has_sign ? 1 : 0).starts_with(end)) {
        add(trim_newline ? Token::kBlockEnd : Token::kVariableEnd, end);
        close_tag(end, trim_newline);
        return;
      }
      token(brackets);
    }
  }

  void token(std::vector<char>& brackets) {
    const char c = peek();
    if (is_digit(c)) return number();
    if (c == '"' || c == '\'') return string(c);
    int32_t first = -1;
    first_code_point(rest(), &first);
    if (is_in(first, CharClass::kWord)) return name();
    for (const std::string_view op : kOperators) {
      if (!rest().starts_with(op)) continue;
      balance(op, brackets);
      add(Token::kOperator, op);
      advance(op.size());
      return;
    }
    fail(line_, "unexpected char '" + std::string(first_code_point(rest())) + "'");
  }

  void balance(std::string_view op, std::vector<char>& brackets) const {
    if (op == "{") brackets.push_back('}');
    if (op == "(") brackets.push_back(')');
    if (op == "[") brackets.push_back(']');
    if (op != "}" && op != ")" && op != "]") return;
    if (brackets.empty()) fail(line_, "unexpected '" + std::string(op) + "'");
    if (brackets.back() != op[0]) {
      fail(line_, "unexpected '" + std::string(op) + "', expected '" + brackets.back() + "'");
    }
    brackets.pop_back();
  }

  void name() {
    size_t size = 0;
    while (at_ + size < source_.size()) {
      int32_t number = -1;
      const std::string_view bytes = first_code_point(rest().substr(size), &number);
      if (!is_in(number, CharClass::kWord)) break;
      size += bytes.size();
    }
    add(Token::kName, rest().substr(0, size));
    advance(size);
  }

  // Digits with single underscores between them, from `at` on.
  size_t digits_at(size_t at) const {
    size_t end = at;
    while (end < source_.size() &&
           (is_digit(source_[end]) || (source_[end] == '_' && end > at &&
                                       end + 1 < source_.size() && is_digit(source_[end + 1])))) {
      ++end;
    }
    return end;
  }

  void number() {
    if (based_number("0x", 16) || based_number("0b", 2) || based_number("0o", 8)) return;
    const size_t whole = digits_at(at_);
    size_t end = whole;
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';  // x.0.1 are two items
    if (!after_dot) {
      if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
        end = digits_at(end + 1);
      }
      if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
        size_t power = end + 1;
        if (power < source_.size() && (source_[power] == '+' || source_[power] == '-')) ++power;
        if (power < source_.size() && is_digit(source_[power])) end = digits_at(power);
      }
    }
    std::string text = source_.substr(at_, end - at_);
    std::erase(text, '_');
    if (end == whole) {
      const bool zeros = text.find_first_not_of('0') == std::string::npos;
      if (text[0] == '0' && !zeros) fail(line_, "leading zeros in '" + text.substr(0, 40) + "'");
      add_integer(text, 10);
    } else {
      double value = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
      if (parsed.ec != std::errc())
        fail(line_, "the number " + text.substr(0, 40) + " is too large");
      add(Token::kReal, text).real = value;
    }
    advance(end - at_);
  }

  bool based_number(std::string_view prefix, int base) {
    if (peek() != prefix[0] || (peek(1) | 0x20) != prefix[1]) return false;
    std::string digits;
    size_t end = at_ + 2;
    for (; end < source_.size(); ++end) {
      int digit = 0;
      if (source_[end] == '_') continue;
      if (std::from_chars(&source_[end], &source_[end] + 1, digit, base).ec != std::errc()) break;
      digits += source_[end];
    }
    if (digits.empty()) return false;
    add_integer(digits, base);
    advance(end - at_);
    return true;
  }

  void add_integer(const std::string& text, int base) {
    int64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (parsed.ec != std::errc()) {
      fail(line_, "the integer " + text.substr(0, 40) + " does not fit in 64 bits");
    }
    add(Token::kInteger, text).integer = value;
  }

  void string(char quote) {
    const int begin = line_;
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail(begin, "a string is not closed");
    const std::string value =
        unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 1), begin);
    add(Token::kString, value);
    advance(end + 1 - at_);
  }

  // Python's escapes.
  static std::string unescaped(std::string_view text, int line) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 >= text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      constexpr std::string_view kNames = "abfnrtv\\'\"\n";
      constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\'\"";
      if (const size_t known = kNames.find(c); known != kNames.npos) {
        if (c != '\n') out += kValues[known];
      } else if (c == 'x' || c == 'u' || c == 'U') {
        i += hex(text.substr(i + 1), c == 'x' ? 2 : c == 'u' ? 4 : 8, line, out);
      } else if (c >= '0' && c <= '7') {
        size_t size = 1;
        while (size < 3 && i + size < text.size() && text[i + size] >= '0' &&
               text[i + size] <= '7') {
          ++size;
        }
        int32_t number = 0;
        std::from_chars(&text[i], &text[i] + size, number, 8);
        append_code_point(out, number);
        i += size - 1;
      } else {
        out += '\\';
        out += c;
      }
    }
    return out;
  }

  static size_t hex(std::string_view text, size_t digits, int line, std::string& out) {
    uint32_t number = 0;
    const std::string_view wanted = text.substr(0, digits);
    const auto parsed = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number, 16);
    const bool whole = wanted.size() == digits && parsed.ptr == wanted.data() + wanted.size();
    if (!whole || parsed.ec != std::errc() || number > 0x10ffff ||
        (number >= 0xd800 && number < 0xe000)) {
      fail(line, "a string has a truncated or invalid \\x, \\u or \\U escape");
    }
    append_code_point(out, static_cast<int32_t>(number));
    return digits;
  }

  const std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) { return Lexer(normalized(source)).run(); }

}  // namespace kilotoken::jinja
