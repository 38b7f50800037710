#pragma once
// TextStream: one choice's tokens to text, with stop strings. Text that may be the beginning of a
// stop string is held back until it is certain; a match ends the sequence within the step.

#include <optional>
#include <string>
#include <vector>

#include "model/text/detokenizer.h"

namespace kilotoken {

class TextStream {
 public:
  TextStream(const Tokenizer& tokenizer, bool skip_special_tokens, std::vector<std::string> stop,
             bool include_stop_in_output);

  struct Piece {
    std::string text;                    // newly certain
    std::optional<std::string> stopped;  // the stop string that matched; nothing may follow
  };
  // `may_stop` false (under min_tokens): stop strings are not looked for in what ends here.
  Piece push(int32_t token, bool may_stop);
  std::string finish();  // what was held back

 private:
  Piece search(bool may_stop);

  Detokenizer detokenizer_;
  std::vector<std::string> stop_;
  bool include_stop_;
  std::string held_;
};

}  // namespace kilotoken
