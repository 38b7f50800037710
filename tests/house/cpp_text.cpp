#include "cpp_text.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace kilotoken::house {
namespace {

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the token that starts at `at` ends, if it is one to blank; `at` itself otherwise.
size_t literal_or_comment_end(std::string_view text, size_t at) {
  const auto past = [&](std::string_view mark, size_t from) {
    const size_t found = text.find(mark, from);
    return found == std::string_view::npos ? text.size() : found + mark.size();
  };
  const std::string_view rest = text.substr(at);
  const bool inside_word = at > 0 && is_word(text[at - 1]);
  if (rest.starts_with("//")) return std::min(text.find('\n', at), text.size());
  if (rest.starts_with("/*")) return past("*/", at + 2);
  if (rest.starts_with("R\"") && !inside_word) {
    const size_t open = text.find('(', at);
    if (open == std::string_view::npos) return at;
    return past(")" + std::string(text.substr(at + 2, open - at - 2)) + "\"", open);
  }
  // A quote inside a word separates digits: 1'000'000.
  if (text[at] != '"' && (text[at] != '\'' || inside_word)) return at;
  size_t end = at + 1;
  while (end < text.size() && text[end] != text[at] && text[end] != '\n') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size());
}

void blank_preprocessor(std::string& code) {
  bool continued = false;
  for (size_t begin = 0; begin < code.size();) {
    const size_t end = std::min(code.find('\n', begin), code.size());
    const size_t first = code.find_first_not_of(' ', begin);
    const bool directive = continued || (first < end && code[first] == '#');
    continued = directive && end > begin && code[end - 1] == '\\';
    if (directive) std::fill(code.begin() + begin, code.begin() + end, ' ');
    begin = end + 1;
  }
}

enum class Block { kNamespace, kType, kFunction, kOther };

Block classify(const std::string& head, Block outer) {
  static const std::regex kSpace(R"((^|\s)(namespace|extern)\b)");
  static const std::regex kAggregate(R"((^|\s)(class|struct|union|enum)\s)");
  if (outer == Block::kFunction || outer == Block::kOther) return Block::kOther;
  if (std::regex_search(head, kSpace)) return Block::kNamespace;
  if (head.find(')') != std::string::npos) return Block::kFunction;
  return std::regex_search(head, kAggregate) ? Block::kType : Block::kOther;
}

// The word before the first parenthesis, or both words of TEST(Suite, Name).
std::string function_name(const std::string& head) {
  static const std::regex kTest(R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\))");
  static const std::regex kName(R"(([\w:~]+|operator[^\s(]+)\s*\()");
  std::smatch match;
  if (std::regex_search(head, match, kTest)) return match.str(1) + "." + match.str(2);
  return std::regex_search(head, match, kName) ? match.str(1) : head;
}

struct Open {
  Block kind;
  std::string head;
  int first_line;
};

}  // namespace

std::string code_only(std::string_view text) {
  std::string code(text);
  for (size_t at = 0; at < text.size(); ++at) {
    const size_t end = literal_or_comment_end(text, at);
    if (end == at) continue;
    for (size_t i = at; i < end; ++i) {
      if (code[i] != '\n') code[i] = ' ';
    }
    at = end - 1;
  }
  blank_preprocessor(code);
  return code;
}

std::vector<Function> functions(std::string_view text) {
  const std::string code = code_only(text);
  std::vector<Function> found;
  std::vector<Open> stack;
  std::string head;  // what has been said since the last ; { or }
  int head_line = 1;
  int line = 1;
  for (size_t at = 0; at < code.size(); ++at) {
    const char c = code[at];
    if (c == '\n') ++line;
    if (c == '{') {
      const Block outer = stack.empty() ? Block::kNamespace : stack.back().kind;
      stack.push_back({classify(head, outer), head, head_line});
      head.clear();
    } else if (c == '}' && !stack.empty()) {
      const Open closed = stack.back();
      stack.pop_back();
      head.clear();
      if (closed.kind != Block::kFunction) continue;
      // `: member_{1} {` and `: member_{1}, other_{2} {`: that was not the body yet.
      const size_t next = code.find_first_not_of(" \n", at + 1);
      if (next != std::string::npos && (code[next] == '{' || code[next] == ',')) {
        head = closed.head;
        head_line = closed.first_line;
      } else {
        found.push_back({function_name(closed.head), closed.first_line, line});
      }
    } else if (c == ';') {
      head.clear();
    } else if (!head.empty() || std::isspace(static_cast<unsigned char>(c)) == 0) {
      if (head.empty()) head_line = line;
      head += c;
    }
  }
  return found;
}

}  // namespace kilotoken::house
