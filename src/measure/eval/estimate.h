#pragma once
// Estimate: a measured number with its standard error. The sample is texts (or questions): tokens
// of one text depend on each other, so they never count as independent.

#include <span>

namespace kilotoken {

struct Estimate {
  double value = 0;
  double standard_error = 0;  // 0 with fewer than two samples: not known
};

// sum(numerators) / sum(denominators) over samples, as loss per token over texts. The standard
// error is the ratio estimator's, linearised (Cochran, Sampling Techniques, 1977, chapter 6):
// sqrt(n / (n - 1) * sum((numerator - value * denominator)^2)) / sum(denominators).
Estimate ratio_of(std::span<const double> numerators, std::span<const double> denominators);

Estimate mean_of(std::span<const double> values);

// exp() of an estimate; its error to first order.
Estimate exponential(const Estimate& of);

}  // namespace kilotoken
