#pragma once
// Internal to the two files of the parser.

#include <string>

#include "model/jinja/parser.h"

namespace kilotoken::jinja {

class Parser::Nested {
 public:
  explicit Nested(Parser& parser) : parser_(parser) {
    if (++parser_.depth_ > kMaxSourceDepth) {
      parser_.fail("nested deeper than " + std::to_string(kMaxSourceDepth) +
                   " levels (limit of source depth)");
    }
  }
  ~Nested() { --parser_.depth_; }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  Parser& parser_;
};

}  // namespace kilotoken::jinja
