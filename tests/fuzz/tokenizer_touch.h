#pragma once
// Uses a tokenizer that came from hostile input: what it gives is within its vocabulary, and a
// stream says what the whole says.

#include "base/result.h"
#include "model/text/detokenizer.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

inline void decode_both_ways(const Tokenizer& tokenizer, const std::vector<int32_t>& ids,
                             bool skip) {
  Detokenizer stream(tokenizer, skip, true);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  text += stream.finish();
  KT_CHECK(text == tokenizer.decode(ids, skip), "the stream says what the whole says");
}

// Encodes `text`; decodes its ids, and its bytes taken for ids.
inline void touch(const Tokenizer& tokenizer, std::string_view text) {
  const auto encoded = tokenizer.encode(text, true);
  std::vector<int32_t> ids;
  if (encoded.ok()) ids = *encoded;
  for (const int32_t id : ids) KT_CHECK(id >= 0 && id < tokenizer.vocab_size());
  for (const char byte : text) ids.push_back(byte);  // some outside the vocabulary
  decode_both_ways(tokenizer, ids, true);
  decode_both_ways(tokenizer, ids, false);
}

}  // namespace kilotoken
