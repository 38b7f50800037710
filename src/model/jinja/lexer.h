#pragma once
// A template's source to tokens, as Jinja2 3.1 splits it with trim_blocks and lstrip_blocks on
// (jinja2/lexer.py): white space around blocks, comments and raw text are dealt with here.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken::jinja {

struct Token {
  enum Kind {
    kData,  // text to be written as it is
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,  // `text` is its value
    kInteger,
    kReal,
    kOperator,
    kEnd,
  };
  Kind kind;
  int line;  // counted from 1
  std::string text;
  int64_t integer = 0;
  double real = 0;

  bool is(std::string_view operator_text) const {
    return kind == kOperator && text == operator_text;
  }
  bool is_name(std::string_view name) const { return kind == kName && text == name; }
};

// Ends with kEnd. Throws Raised with the line.
std::vector<Token> tokenize(std::string_view source);

}  // namespace kilotoken::jinja
