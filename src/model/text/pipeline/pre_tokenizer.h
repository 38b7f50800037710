#pragma once
// Pre-tokenizers: a normalised text cut into the pieces that the model sees, one step after another
// (HF tokenizers, pre_tokenizers).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kilotoken {

struct TextPiece {
  std::string_view text;  // never empty
  bool at_start;          // begins where the text given begins
};

// Texts that a step made, kept at their places while pieces point at them.
class TextStore {
 public:
  std::string_view keep(std::string text) {
    texts_.push_back(std::make_unique<const std::string>(std::move(text)));
    return *texts_.back();
  }

 private:
  std::vector<std::unique_ptr<const std::string>> texts_;
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Cuts each of `pieces` (valid UTF-8) and appends what comes out. kTooLarge: a pattern takes too
  // long.
  virtual Result<void> cut(const std::vector<TextPiece>& pieces, std::vector<TextPiece>& out,
                           TextStore& store) const = 0;
};

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

// What becomes of the matches of a pattern.
enum class Delimiters { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

// `invert`: what lies between the matches is the match. kInvalid: the pattern cannot be compiled.
Result<PreTokenizerPtr> make_split(std::string_view pattern, bool regex, Delimiters delimiters,
                                   bool invert, std::string_view where);
// The same for single characters, by what they are.
using CharacterTest = bool (*)(uint32_t code);
PreTokenizerPtr make_character_split(CharacterTest matches, Delimiters delimiters);
PreTokenizerPtr make_delimiter_split(uint32_t delimiter);
PreTokenizerPtr make_bert_split();        // at white space, and before and after punctuation
PreTokenizerPtr make_whitespace_split();  // words, and what is neither word nor white space

// GPT-2: a space in front of a text without one, and its pattern. `letters`: the pieces are written
// in the byte alphabet; otherwise the model takes their bytes as they are.
struct ByteLevelOptions {
  bool add_prefix_space = true, use_regex = true, letters = false;
};
PreTokenizerPtr make_byte_level(const ByteLevelOptions& options);

// SentencePiece's "▁" (or another sign) for spaces, and in front of a text that has none.
enum class PrependScheme { kAlways, kFirst, kNever };
struct MetaspaceOptions {
  std::string replacement = "\u2581";
  PrependScheme prepend = PrependScheme::kAlways;
  bool split = true;  // before every replacement
};
PreTokenizerPtr make_metaspace(const MetaspaceOptions& options);

PreTokenizerPtr make_sequence(std::vector<PreTokenizerPtr> steps);

}  // namespace kilotoken
