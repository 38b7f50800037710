#pragma once
// TextRules: what is done to the text that tokens become, beyond putting their bytes in a row.

#include <string>
#include <vector>

#include "model/text/unicode/utf8.h"

namespace kilotoken {

struct TextStage {
  enum Kind {
    kStrip,    // up to `start` times `from` at the beginning, up to `stop` times at the end
    kReplace,  // every `from` by `to`
  };
  Kind kind = kStrip;
  std::string from;  // never empty
  std::string to;
  size_t start = 0, stop = 0;
};

struct TextRules {
  Utf8Repair repair = Utf8Repair::kEveryByte;
  bool last_differs = false;  // the last token may read another way than in the middle
  std::vector<TextStage> stages;
};

}  // namespace kilotoken
