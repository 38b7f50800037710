#pragma once
// Decoder: tokens back to text (HF tokenizers, decoders). The steps up to the place where tokens
// become one text look at a single token and are worked out beforehand for every token; those after
// it look at the text, and work on it as it comes (text_stages.h).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/text/pipeline/replacer.h"
#include "model/text/text_rules.h"

namespace kilotoken {

struct DecoderStep {
  enum Kind {
    kByteLevel,     // letters of the byte alphabet to bytes
    kByteFallback,  // "<0x41>" to a byte
    kFuse,          // one text from here on
    kReplace,
    kStrip,      // up to `start` of the sign at the beginning, up to `stop` at the end
    kMetaspace,  // `text`, SentencePiece's mark, to a space; dropped in the first token (`flag`)
    kWordPiece,  // a space before a token without the prefix `text`; cleaned up (`flag`)
    kBpe,        // the suffix `text` to a space, to nothing in the last token
  };
  Kind kind = kFuse;
  std::string text{};
  bool flag = false;
  size_t start = 0, stop = 0;
  std::optional<Replacer> replacer{};
};

class Decoder {
 public:
  // kUnsupported: the steps cannot be taken one token at a time in this order.
  static Result<Decoder> make(std::vector<DecoderStep> steps, std::string_view where);

  // What a token gives at its place, as bytes. kTooLarge, as Replacer::replace().
  Result<std::string> token_bytes(std::string_view token, bool first, bool last) const;
  bool knows_first() const;  // whether a token may differ at the beginning,
  bool knows_last() const;   // and at the end
  const TextRules& rules() const { return rules_; }

 private:
  std::vector<DecoderStep> steps_;  // on a single token
  bool joined_by_spaces_ = false;   // no decoder at all
  TextRules rules_;
};

// 0 to 255 for a piece written as "<0x41>", else -1.
int byte_of_piece(std::string_view piece);

}  // namespace kilotoken
