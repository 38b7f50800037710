#pragma once
// TextModel: one piece of text, as the pre-tokenizer cut it, to token ids.

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/text/models/bpe_merge.h"

namespace kilotoken {

// Memory that a model works in, kept from piece to piece by one thread.
struct ModelScratch {
  BpeScratch bpe;
  struct Path {
    double score;
    int32_t id;
    uint32_t from;  // where the piece that ends here begins; UINT32_MAX: none ends here
  };
  std::vector<Path> paths;
};

class TextModel {
 public:
  virtual ~TextModel() = default;
  // Appends the ids of `text`, which is not empty; what it is made of (UTF-8, or bytes of any kind
  // for a byte-level model) is the model's own affair. Time grows linearly with the text, up to a
  // logarithm.
  virtual Result<void> encode(std::string_view text, std::vector<int32_t>& ids,
                              ModelScratch& scratch) const = 0;
};

}  // namespace kilotoken
