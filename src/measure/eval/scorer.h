#pragma once
// Scorer: the logits of a model over given texts, many texts a step.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "model/families/model.h"

namespace kilotoken {

// `inputs` (at least one token, all inside the vocabulary) go through the model. Row i of them
// predicts position i + 1; wanted are the logits that predict positions first .. inputs.size(), the
// last of which is the token that would follow.
struct ScoredText {
  std::vector<int32_t> inputs;
  int first = 1;
};

class Scorer {
 public:
  // (which of the texts, position predicted, logits [vocab]). Called on the kernel threads, for
  // several texts at once, for one text in order.
  using Visit = std::function<void(size_t text, int position, std::span<const float> logits)>;

  // `max_rows`: tokens of one step; longer texts go in several.
  Scorer(const Model& model, ThreadPool& pool, int max_rows = 512)
      : model_(model), pool_(pool), max_rows_(max_rows) {}

  // kFull when there is no room for the KV pages, kInternal when a step fails.
  Result<void> run(std::span<const ScoredText> texts, const Visit& visit) const;

 private:
  const Model& model_;
  ThreadPool& pool_;
  int max_rows_;
};

}  // namespace kilotoken
