#pragma once
// TextStream: one choice's tokens to text, with stop strings. Text that may be the beginning of a
// stop string is held back until it is certain; a match ends the sequence within the step.

#include <optional>
#include <string>
#include <vector>

#include "engine/sampling/sampling_params.h"
#include "model/text/detokenizer.h"

namespace kilotoken {

class TextStream {
 public:
  // `at_start`: nothing but special tokens comes before, so the text begins here (see Detokenizer).
  TextStream(const Tokenizer& tokenizer, bool at_start, const SamplingParams& params);

  struct Piece {
    std::string text;                    // newly certain
    std::optional<std::string> stopped;  // the stop string that matched; nothing may follow
  };
  // `may_stop` false (under min_tokens): stop strings are not looked for in what ends here.
  Piece push(int32_t token, bool may_stop);
  std::string finish();  // what was held back

 private:
  Piece search();

  Detokenizer detokenizer_;
  std::vector<std::string> stop_;
  bool include_stop_;
  std::string held_;
};

}  // namespace kilotoken
