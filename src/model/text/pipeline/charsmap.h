#pragma once
// Charsmap: SentencePiece's compiled normalization rules: a Darts double-array trie over UTF-8 (the
// unit's bits as in darts-clone's darts.h) and the texts it points to, in one blob.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/text/pipeline/normalizer.h"

namespace kilotoken {

class Charsmap {
 public:
  // kInvalid for a blob that points outside itself; the message begins with `where`.
  static Result<Charsmap> from_bytes(std::string_view blob, std::string_view where);
  static Result<Charsmap> from_base64(std::string_view base64, std::string_view where);

  struct Match {
    size_t bytes;  // of the text that the rule takes
    std::string_view replacement;
  };
  // The rule for what `text` begins with: the one that takes most, or least.
  std::optional<Match> longest(std::string_view text) const { return match(text, false); }
  std::optional<Match> shortest(std::string_view text) const { return match(text, true); }

 private:
  std::optional<Match> match(std::string_view text, bool first) const;
  Result<void> check(std::string_view where) const;
  std::string_view replacement_at(size_t at) const;

  std::vector<uint32_t> units_;
  std::string texts_;  // each ends with a zero byte
};

enum class CharsmapUse {
  // SentencePiece: at each place the rule that takes most.
  kLongest,
  // HF tokenizers: a grapheme of up to 5 bytes becomes what its shortest beginning becomes; else
  // each of its characters on its own (normalizers/precompiled).
  kByGrapheme,
};
NormalizerPtr make_charsmap_normalizer(Charsmap charsmap, CharsmapUse use);

}  // namespace kilotoken
