#include "base/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kilotoken {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Cumulative distribution of Binomial(n, p) at every k: [n + 1].
std::vector<double> binomial_cumulative(size_t n, double p) {
  std::vector<double> cumulative(n + 1);
  const auto count = static_cast<double>(n);
  double sum = 0;
  for (size_t k = 0; k <= n; ++k) {
    const auto hits = static_cast<double>(k);
    const double log_choose =
        std::lgamma(count + 1) - std::lgamma(hits + 1) - std::lgamma(count - hits + 1);
    sum += std::exp(log_choose + hits * std::log(p) + (count - hits) * std::log1p(-p));
    cumulative[k] = sum;
  }
  return cumulative;
}

// Ranks from 1, ties sharing the mean of theirs.
std::vector<double> mid_ranks(const std::vector<double>& values, double& tie_term) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t left, size_t right) { return values[left] < values[right]; });
  std::vector<double> ranks(values.size());
  tie_term = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const auto ties = static_cast<double>(end - begin);
    tie_term += ties * ties * ties - ties;
    const double rank = static_cast<double>(begin + 1 + end) / 2;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = rank;
    begin = end;
  }
  return ranks;
}

// How many of the arrangements lie at least as far from the middle as `distance`, of how many.
struct Arrangements {
  const std::vector<double>& ranks;
  size_t choose;
  double middle, distance;
  uint64_t all = 0, beyond = 0;

  void count(size_t next, size_t chosen, double sum) {
    if (chosen == choose) {
      ++all;
      if (std::abs(sum - middle) >= distance - 1e-9) ++beyond;
      return;
    }
    if (ranks.size() - next < choose - chosen) return;
    count(next + 1, chosen + 1, sum + ranks[next]);
    count(next + 1, chosen, sum);
  }
};

}  // namespace

double average_of(std::span<const double> values) {
  if (values.empty()) return kNan;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double standard_deviation_of(std::span<const double> values) {
  const double mean = average_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return values.empty() ? kNan : std::sqrt(sum / static_cast<double>(values.size()));
}

double median_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return percentile(values, 50);
}

double percentile(std::span<const double> sorted, double p) {
  if (sorted.empty()) return kNan;
  const double place = p / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const double share = place - static_cast<double>(below);
  if (share == 0 || below + 1 >= sorted.size()) return sorted[below];
  if (std::isinf(sorted[below + 1])) return sorted[below + 1];
  return sorted[below] + share * (sorted[below + 1] - sorted[below]);
}

std::optional<Interval> percentile_interval(std::span<const double> sorted, double p,
                                            double confidence) {
  const size_t n = sorted.size();
  if (n == 0 || p <= 0 || p >= 100) return std::nullopt;
  const double tail = (1 - confidence) / 2;
  const std::vector<double> cumulative = binomial_cumulative(n, p / 100);
  // Values below the percentile number B ~ Binomial(n, p). The value of rank r (from 1) is above
  // it when B < r, below when B >= r.
  size_t low = 0, high = 0;
  for (size_t rank = 1; rank <= n; ++rank) {
    if (cumulative[rank - 1] <= tail) low = rank;
    if (high == 0 && 1 - cumulative[rank - 1] <= tail) high = rank;
  }
  if (low == 0 || high == 0) return std::nullopt;
  return Interval{sorted[low - 1], sorted[high - 1]};
}

MannWhitney mann_whitney(std::span<const double> a, std::span<const double> b) {
  MannWhitney result;
  if (a.empty() || b.empty()) return result;
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  double tie_term = 0;
  const std::vector<double> ranks = mid_ranks(all, tie_term);
  const auto na = static_cast<double>(a.size()), nb = static_cast<double>(b.size());
  const double n = na + nb;
  const double sum = std::accumulate(ranks.begin(), ranks.begin() + std::ssize(a), 0.0);
  result.u = sum - na * (na + 1) / 2;
  const double middle = na * (n + 1) / 2, distance = std::abs(sum - middle);
  if (a.size() + b.size() <= 20) {
    Arrangements arrangements{ranks, a.size(), middle, distance};
    arrangements.count(0, 0, 0);
    result.exact = true;
    result.p_value =
        static_cast<double>(arrangements.beyond) / static_cast<double>(arrangements.all);
    return result;
  }
  const double variance = na * nb / 12 * (n + 1 - tie_term / (n * (n - 1)));
  if (variance <= 0) return result;  // all values are equal
  const double z = std::max(0.0, distance - 0.5) / std::sqrt(variance);
  result.p_value = std::erfc(z / std::sqrt(2.0));
  return result;
}

}  // namespace kilotoken
