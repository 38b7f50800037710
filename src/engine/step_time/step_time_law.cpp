#include "engine/step_time/step_time_law.h"

#include <algorithm>
#include <cstdio>

namespace kilotoken {
namespace {

constexpr std::array<const char*, kStepCosts> kUnits = {
    "step",      "single row",           "long row", "token of it", "single pair",
    "long pair", "token of its context", "logit row"};

std::string duration(double ns) {
  char text[32];
  if (ns >= 1e6) {
    std::snprintf(text, sizeof text, "%.3g ms", ns * 1e-6);
  } else if (ns >= 1e3) {
    std::snprintf(text, sizeof text, "%.3g us", ns * 1e-3);
  } else {
    std::snprintf(text, sizeof text, "%.3g ns", ns);
  }
  return text;
}

}  // namespace

void StepWork::add_row(int first, int count, int logits) {
  const int64_t pairs = int64_t{count} * first + int64_t{count} * (count + 1) / 2;
  logit_rows += logits;
  if (count == 1) {
    ++single_rows;
    single_pairs += pairs;
    return;
  }
  ++long_rows;
  long_tokens += count;
  long_pairs += pairs;
  long_context += first + count;
}

StepFeatures features_of(const StepWork& work) {
  return {1,
          static_cast<double>(work.single_rows),
          static_cast<double>(work.long_rows),
          static_cast<double>(work.long_tokens),
          static_cast<double>(work.single_pairs),
          static_cast<double>(work.long_pairs),
          static_cast<double>(work.long_context),
          static_cast<double>(work.logit_rows)};
}

double StepTimeLaw::predict_ns(const StepWork& work) const {
  const StepFeatures features = features_of(work);
  double sum = 0;
  for (size_t i = 0; i < kStepCosts; ++i) sum += cost_ns[i] * features[i];
  return sum;
}

std::string StepTimeLaw::describe() const {
  std::string text;
  for (size_t i = 0; i < kStepCosts; ++i) {
    if (cost_ns[i] <= 0) continue;
    text += (text.empty() ? "" : ", ") + duration(cost_ns[i]) + " a " + kUnits[i];
  }
  return text.empty() ? "nothing is known yet" : text;
}

std::optional<int> largest_token_budget(const StepTimeLaw& law,
                                        const TokenBudgetQuestion& question) {
  const auto fits = [&](int prompt_tokens) {
    StepWork work;
    for (int i = 0; i < question.decoding; ++i) work.add_row(question.context, 1, 1);
    work.add_row(question.context, prompt_tokens, 1);
    return law.predict_ns(work) <= question.target_ns;
  };
  // One token more is never quicker but from the first to the second, where a single row turns
  // into a long one: so the search begins at two.
  int low = 1, high = question.most - question.decoding;
  if (high < 1) return {};
  if (high > 1 && fits(2)) {
    low = 2;
  } else if (!fits(1)) {
    return {};
  } else {
    high = 1;
  }
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (fits(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return question.decoding + low;
}

}  // namespace kilotoken
