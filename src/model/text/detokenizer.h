#pragma once
// Streaming detokenizer: tokens in, text out, never half a UTF-8 character. What may still change
// with the tokens to come is held back: bytes that can still become a character, spaces that the
// tokenizer would drop at the end. Everything pushed, then finish(), is what Tokenizer::decode()
// gives for the whole (at_start true): decode() is made of this.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/text/pipeline/text_stages.h"
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
  bool first_;                      // no token has come yet
  std::optional<int32_t> pending_;  // a token that reads another way if it is the last one
  bool pending_first_ = false;
  std::string held_;  // an unfinished character
  std::vector<StageState> stages_;
};

}  // namespace kilotoken
