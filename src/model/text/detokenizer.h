#pragma once
// Streaming detokenizer: tokens in, text out, never half a UTF-8 character. Bytes that can still
// become a character are held back until they do or cannot; each byte that cannot becomes U+FFFD.
// Everything pushed, then finish(), is what Tokenizer::decode() gives for the whole (at_start
// true).

#include <cstdint>
#include <string>

#include "model/text/tokenizer.h"

namespace kilotoken {

class Detokenizer {
 public:
  // `at_start`: the first token begins the text, so its added leading space is dropped as decode()
  // does; false when it continues a prompt.
  Detokenizer(const Tokenizer& tokenizer, bool skip_special_tokens, bool at_start);

  std::string push(int32_t token);  // text that is now certain
  std::string finish();             // the rest

 private:
  std::string take(bool last);

  const Tokenizer& tokenizer_;
  bool skip_special_tokens_;
  bool drop_leading_space_;
  std::string held_;  // an unfinished character
};

}  // namespace kilotoken
