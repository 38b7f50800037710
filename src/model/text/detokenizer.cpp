#include "model/text/detokenizer.h"

#include "model/text/utf8.h"

namespace kilotoken {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special_tokens, bool at_start)
    : tokenizer_(tokenizer),
      skip_special_tokens_(skip_special_tokens),
      drop_leading_space_(at_start && tokenizer.strips_leading_space()) {}

std::string Detokenizer::push(int32_t token) {
  if (skip_special_tokens_ && tokenizer_.is_special(token)) return {};
  held_ += tokenizer_.token_bytes(token);
  return take(false);
}

std::string Detokenizer::finish() { return take(true); }

std::string Detokenizer::take(bool last) {
  std::string text;
  held_.erase(0, append_utf8(text, held_, last));
  if (drop_leading_space_ && !text.empty()) {
    drop_leading_space_ = false;
    if (text.starts_with(' ')) text.erase(0, 1);
  }
  return text;
}

}  // namespace kilotoken
