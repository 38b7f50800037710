#pragma once
// A TextStage at work on a text that comes bit by bit: what is certain comes out, what may still
// change is held back.

#include <string>
#include <string_view>

#include "model/text/text_rules.h"

namespace kilotoken {

class StageState {
 public:
  // `at_start`: the text begins here; otherwise nothing is taken from its beginning.
  StageState(const TextStage& stage, bool at_start);
  std::string push(std::string_view text);
  std::string finish();

 private:
  std::string strip();
  std::string replace(bool last);

  const TextStage& stage_;
  size_t start_left_;  // how many may still be taken from the beginning
  std::string held_;
};

}  // namespace kilotoken
