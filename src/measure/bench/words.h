#pragma once
// Words: made-up prompts of a wanted number of tokens, the same for the same seed.

#include <cstdint>
#include <string>
#include <vector>

#include "measure/bench/plan.h"
#include "model/text/tokenizer.h"

namespace kilotoken::bench {

class Words {
 public:
  // Without a tokenizer a word counts as a token, and a note says so.
  Words(const Tokenizer* tokenizer, uint64_t seed);

  // About `tokens` of them: words are not cut. `stream` and `index` name the text.
  std::string text(uint32_t stream, uint64_t index, int tokens) const;
  // Exactly so many ids, none of them special. Needs a tokenizer.
  std::vector<int32_t> ids(uint32_t stream, uint64_t index, int tokens) const;
  bool has_ids() const { return tokenizer_ != nullptr; }

  int count(const std::string& text) const;  // tokens; words without a tokenizer

  // An integer from `low` to `high`, uniform, or with a uniform logarithm.
  int between(uint32_t stream, uint64_t index, int low, int high) const;
  int log_between(uint32_t stream, uint64_t index, int low, int high) const;
  double uniform(uint32_t stream, uint64_t index) const;

 private:
  const Tokenizer* const tokenizer_;
  const uint64_t seed_;
  std::vector<int> tokens_of_word_;
  std::vector<int32_t> plain_ids_;
};

}  // namespace kilotoken::bench
