#pragma once
// Compare: two sets of results, metric by metric: better, worse, or not separable.

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken::bench {

enum class Verdict { kBetter, kWorse, kNotSeparable };

struct Comparison {
  std::string metric;
  std::vector<double> a, b;
  double median_a = 0, median_b = 0;
  double p_value = 1;
  Verdict verdict = Verdict::kNotSeparable;  // of b, beside a
};

// Runs of a set, as results have them. Separable: two-sided Mann-Whitney, p < 0.05; with fewer
// than four runs each no difference can be.
std::vector<Comparison> compare(const std::vector<OrderedJson>& a,
                                const std::vector<OrderedJson>& b);

// One result, a list of them, or one on each line. kInvalid says what was expected.
Result<std::vector<OrderedJson>> read_results(const std::string& path);

// Of one set: the median of each metric, and how far the runs lie apart.
std::string repeats_text(const std::vector<OrderedJson>& runs);

std::string comparison_text(const std::string& a, const std::string& b,
                            const std::vector<Comparison>& comparisons);
OrderedJson comparison_json(const std::vector<Comparison>& comparisons);

}  // namespace kilotoken::bench
