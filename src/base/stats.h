#pragma once
// Statistics of raw samples: percentiles with their confidence, and whether two sets differ.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace kilotoken {

double average_of(std::span<const double> values);             // NaN of none
double standard_deviation_of(std::span<const double> values);  // of the population; NaN of none
double median_of(std::vector<double> values);                  // NaN of none

// `sorted` ascending, may end in infinities; `p` in [0, 100]. Linear interpolation between order
// statistics (Hyndman and Fan, 1996, type 7), as NumPy does by default. NaN of none.
double percentile(std::span<const double> sorted, double p);

struct Interval {
  double low = 0, high = 0;
};
// Order statistics that hold the percentile with at least this confidence, from the binomial
// distribution, whatever that of the samples is. Nothing when there are too few samples for it.
std::optional<Interval> percentile_interval(std::span<const double> sorted, double p,
                                            double confidence = 0.95);

struct MannWhitney {
  double u = 0;        // pairs in which a value of `a` is above one of `b`, ties counting half
  double p_value = 1;  // two-sided
  bool exact = false;  // from all arrangements; else the normal approximation, corrected for ties
};
MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b);

}  // namespace kilotoken
