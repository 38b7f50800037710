#include "engine/run/text_stream.h"

#include <algorithm>

namespace kilotoken {
namespace {

// Length of the longest end of `text` that is a proper beginning of `stop`.
size_t overlap(const std::string& text, const std::string& stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.compare(text.size() - length, length, stop, 0, length) == 0) return length;
  }
  return 0;
}

}  // namespace

TextStream::TextStream(const Tokenizer& tokenizer, bool at_start, const SamplingParams& params)
    : detokenizer_(tokenizer, params.skip_special_tokens, at_start),
      stop_(params.stop),
      include_stop_(params.include_stop_str_in_output) {}

TextStream::Piece TextStream::push(int32_t token, bool may_stop) {
  held_ += detokenizer_.push(token);
  if (stop_.empty() || !may_stop) {
    Piece piece{std::move(held_), {}};
    held_.clear();
    return piece;
  }
  return search();
}

TextStream::Piece TextStream::search() {
  size_t at = std::string::npos;
  const std::string* matched = nullptr;
  for (const std::string& stop : stop_) {
    const size_t found = held_.find(stop);
    if (found < at || (found == at && matched && stop.size() > matched->size())) {
      at = found;
      matched = found == std::string::npos ? matched : &stop;
    }
  }
  if (matched) {
    Piece piece{held_.substr(0, at + (include_stop_ ? matched->size() : 0)), *matched};
    held_.clear();
    return piece;
  }
  size_t keep = 0;
  for (const std::string& stop : stop_) keep = std::max(keep, overlap(held_, stop));
  Piece piece{held_.substr(0, held_.size() - keep), {}};
  held_.erase(0, held_.size() - keep);
  return piece;
}

std::string TextStream::finish() {
  std::string rest = std::move(held_) + detokenizer_.finish();
  held_.clear();
  return rest;
}

}  // namespace kilotoken
