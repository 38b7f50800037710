#include "engine/run/token_budget.h"

#include <algorithm>

namespace kilotoken {
namespace {

constexpr int kAskEvery = 16;  // steps
// However long it takes: prompts must get on.
constexpr int kLeastOfPrompts = 16;

}  // namespace

int TokenBudget::tokens(const Scheduler& scheduler) {
  int decoding = 0;
  int64_t context = 0;
  for (const auto& sequence : scheduler.running()) {
    if (sequence->remaining() != 1) continue;
    ++decoding;
    context += sequence->computed;
  }
  if (decoding == decoding_ && ++age_ < kAskEvery) return tokens_;
  decoding_ = decoding;
  age_ = 0;
  tokens_ = config_.start;
  if (decoding == 0) return tokens_;
  const StepTiming::Learned learned = timing_.learned();
  if (!learned.ready) return tokens_;
  const auto most =
      largest_token_budget(learned.law, {decoding, static_cast<int>(context / decoding),
                                         static_cast<double>(config_.target_ns), config_.most});
  tokens_ = std::max(decoding + kLeastOfPrompts, most.value_or(0));
  return tokens_;
}

}  // namespace kilotoken
