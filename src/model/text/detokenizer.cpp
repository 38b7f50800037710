#include "model/text/detokenizer.h"

#include <utility>

#include "model/text/unicode/utf8.h"

namespace kilotoken {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special_tokens, bool at_start)
    : tokenizer_(tokenizer), skip_special_tokens_(skip_special_tokens), first_(at_start) {
  for (const TextStage& stage : tokenizer.text_rules().stages)
    stages_.emplace_back(stage, at_start);
}

std::string Detokenizer::push(int32_t token) {
  if (token < 0 || token >= tokenizer_.vocab_size()) return {};
  if (skip_special_tokens_ && tokenizer_.is_special(token)) return {};
  const bool first = std::exchange(first_, false);
  if (!tokenizer_.text_rules().last_differs) {
    held_ += tokenizer_.token_bytes_at(token, first, false);
    return take(false);
  }
  if (pending_) held_ += tokenizer_.token_bytes_at(*pending_, pending_first_, false);
  pending_ = token;
  pending_first_ = first;
  return take(false);
}

std::string Detokenizer::finish() {
  if (pending_) held_ += tokenizer_.token_bytes_at(*pending_, pending_first_, true);
  pending_.reset();
  return take(true);
}

std::string Detokenizer::take(bool last) {
  std::string text;
  held_.erase(0, append_utf8(text, held_, last, tokenizer_.text_rules().repair));
  for (StageState& stage : stages_) {
    text = stage.push(text);
    if (last) text += stage.finish();
  }
  return text;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special_tokens) const {
  Detokenizer stream(*this, skip_special_tokens, true);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text + stream.finish();
}

}  // namespace kilotoken
