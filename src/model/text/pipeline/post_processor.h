#pragma once
// PostProcessor: the ids around one text, or around two (HF tokenizers, processors).

#include <cstdint>
#include <span>
#include <vector>

namespace kilotoken {

struct TemplatePart {
  enum Kind { kFirst, kSecond, kToken };
  Kind kind = kFirst;
  int32_t token = -1;  // of kToken
  int32_t type = 0;    // the type id of what comes here
};

struct PostProcessor {
  PostProcessor();  // the texts alone
  std::vector<TemplatePart> single, pair;

  // Without `add_tokens` the texts alone. A type id for each id, where they are asked for.
  static std::vector<int32_t> fill(const std::vector<TemplatePart>& parts,
                                   std::span<const int32_t> first, std::span<const int32_t> second,
                                   bool add_tokens, std::vector<int32_t>* types = nullptr);
};

}  // namespace kilotoken
