#include "measure/eval/estimate.h"

#include <cmath>
#include <vector>

#include "base/check.h"

namespace kilotoken {

Estimate ratio_of(std::span<const double> numerators, std::span<const double> denominators) {
  KT_CHECK_EQ(numerators.size(), denominators.size());
  double above = 0, below = 0;
  for (const double value : numerators) above += value;
  for (const double value : denominators) below += value;
  KT_CHECK(below > 0, "a ratio needs something to divide by");
  Estimate out{.value = above / below, .standard_error = 0};
  const auto count = static_cast<double>(numerators.size());
  if (count < 2) return out;
  double squares = 0;
  for (size_t i = 0; i < numerators.size(); ++i) {
    const double off = numerators[i] - out.value * denominators[i];
    squares += off * off;
  }
  out.standard_error = std::sqrt(count / (count - 1) * squares) / below;
  return out;
}

Estimate mean_of(std::span<const double> values) {
  return ratio_of(values, std::vector<double>(values.size(), 1.0));
}

Estimate exponential(const Estimate& of) {
  const double value = std::exp(of.value);
  return {value, value * of.standard_error};
}

}  // namespace kilotoken
