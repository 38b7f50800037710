#pragma once
// Normalizers: what a tokenizer does to a text before anything is cut (HF tokenizers, normalizers).

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/text/unicode/normal_forms.h"

namespace kilotoken {

// A text on its way. Metaspace treats the beginning of the whole text in its own way.
struct NormalText {
  std::string text;
  bool at_start = false;  // its first character comes from the first one of the text given
};

// No step makes a text longer than this.
constexpr size_t kMostTextBytes = size_t{64} << 20;

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // `text` is valid UTF-8 and stays so. kTooLarge: the result passes kMostTextBytes, or a pattern
  // takes too long.
  virtual Result<void> apply(NormalText& text) const = 0;
};

using NormalizerPtr = std::unique_ptr<const Normalizer>;

NormalizerPtr make_normal_form(NormalForm form);
NormalizerPtr make_lowercase();
NormalizerPtr make_strip(bool left, bool right);  // white space at the two ends
NormalizerPtr make_strip_accents();               // every mark
NormalizerPtr make_prepend(std::string prefix);   // to a text that is not empty
NormalizerPtr make_nmt();                         // control characters away, odd spaces to spaces
NormalizerPtr make_byte_letters();                // every byte as its letter (byte_alphabet.h)

struct BertOptions {
  bool clean_text = true, handle_chinese_chars = true, strip_accents = true, lowercase = true;
};
NormalizerPtr make_bert_normalizer(const BertOptions& options);

// kInvalid: the pattern cannot be compiled.
Result<NormalizerPtr> make_replace(std::string_view pattern, bool regex, std::string content,
                                   std::string_view where);
NormalizerPtr make_sequence(std::vector<NormalizerPtr> steps);

}  // namespace kilotoken
