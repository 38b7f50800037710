#pragma once
// StepTimeLaw: how long a step takes, as a sum of costs: of the step itself, of its rows, tokens
// and attention. No cost is negative, so more work never takes less time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace kilotoken {

// What a step has to do. A row is one sequence's part of it; a single row computes one token (a
// decode), a longer one a prompt or a chunk of it. The rows that matrix kernels get are no feature
// of their own: they are the tokens and logit rows, times the matrices of the model.
struct StepWork {
  int64_t single_rows = 0;
  int64_t long_rows = 0;
  int64_t long_tokens = 0;   // of the long rows together
  int64_t single_pairs = 0;  // attention of single rows: each token with each it looks at
  int64_t long_pairs = 0;    // the same of long rows
  // What long rows look at, once for all tokens of a row: keys and values are read for a block of
  // its tokens together, so that a short chunk pays for its context as much as a long one.
  int64_t long_context = 0;
  int64_t logit_rows = 0;

  // Adds a row that computes `count` tokens after `first`, and wants so many rows of logits.
  void add_row(int first, int count, int logits);
};

inline constexpr size_t kStepCosts = 8;
using StepFeatures = std::array<double, kStepCosts>;  // a one, then StepWork's fields in order

StepFeatures features_of(const StepWork& work);

struct StepTimeLaw {
  StepFeatures cost_ns{};  // per unit of each feature, none negative

  double predict_ns(const StepWork& work) const;
  std::string describe() const;  // "1.2 ms a step, 30.1 us a single row, ..."
};

// The most tokens, up to `most`, that a step may compute and still take `target_ns` at most when so
// many sequences decode beside a prompt, each (and the prompt) after `context` tokens; none if
// even one token of the prompt makes the step longer.
struct TokenBudgetQuestion {
  int decoding = 0;
  int context = 0;
  double target_ns = 0;
  int most = 0;
};
std::optional<int> largest_token_budget(const StepTimeLaw& law,
                                        const TokenBudgetQuestion& question);

}  // namespace kilotoken
