// Numbers worked out by hand, and frequencies.

#include "base/stats.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/rng.h"

namespace kilotoken {
namespace {

TEST(Stats, PercentilesInterpolateAsNumPyDoes) {
  const std::vector<double> values = {1, 2, 4, 8};
  EXPECT_DOUBLE_EQ(percentile(values, 0), 1);
  EXPECT_DOUBLE_EQ(percentile(values, 50), 3);
  EXPECT_DOUBLE_EQ(percentile(values, 95), 4 + 0.85 * 4);
  EXPECT_DOUBLE_EQ(percentile(values, 100), 8);
  EXPECT_TRUE(std::isnan(percentile({}, 50)));
  EXPECT_DOUBLE_EQ(median_of({9, 1, 5}), 5);
}

TEST(Stats, AnInfinityIsReachedOnlyByThePercentilesThatTouchIt) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> values = {1, 2, 3, 4, inf};
  EXPECT_DOUBLE_EQ(percentile(values, 75), 4);
  EXPECT_EQ(percentile(values, 80), inf);
  EXPECT_DOUBLE_EQ(percentile(values, 50), 3);
}

TEST(Stats, MeanAndDeviationAreThoseOfThePopulation) {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(average_of(values), 5);
  EXPECT_DOUBLE_EQ(standard_deviation_of(values), 2);
}

// The interval holds the true percentile at least as often as it says: 2,000 sets of 100 uniform
// numbers, whose percentiles are known.
TEST(Stats, IntervalsHoldWhatTheySay) {
  for (const double p : {50.0, 90.0}) {
    int held = 0;
    for (uint32_t set = 0; set < 2000; ++set) {
      std::vector<double> values(100);
      for (size_t i = 0; i < values.size(); ++i) values[i] = uniform_at(7, set, i);
      std::sort(values.begin(), values.end());
      const auto interval = percentile_interval(values, p);
      ASSERT_TRUE(interval.has_value());
      held += interval->low <= p / 100 && p / 100 <= interval->high;
    }
    EXPECT_GE(held, 1880) << p;  // 0.95 less three deviations
    EXPECT_LE(held, 1999) << p;
  }
}

TEST(Stats, TooFewSamplesHaveNoInterval) {
  std::vector<double> values(100);
  std::iota(values.begin(), values.end(), 0.0);
  EXPECT_FALSE(percentile_interval(values, 99).has_value());
  values.resize(500);
  std::iota(values.begin(), values.end(), 0.0);
  EXPECT_TRUE(percentile_interval(values, 99).has_value());
}

TEST(Stats, MannWhitneyIsExactForFewSamples) {
  // 5 against 5 and all of one above: 2 of 252 arrangements are as far out.
  const std::vector<double> a = {1, 2, 3, 4, 5}, b = {6, 7, 8, 9, 10};
  const MannWhitney apart = mann_whitney(a, b);
  EXPECT_TRUE(apart.exact);
  EXPECT_DOUBLE_EQ(apart.u, 0);
  EXPECT_DOUBLE_EQ(apart.p_value, 2.0 / 252);
  EXPECT_DOUBLE_EQ(mann_whitney(a, a).p_value, 1);
  const std::vector<double> same = {3, 3, 3};
  EXPECT_DOUBLE_EQ(mann_whitney(same, same).p_value, 1);
}

TEST(Stats, MannWhitneyOfManySamplesHasTheNominalError) {
  int rejected = 0;
  for (uint32_t set = 0; set < 1000; ++set) {
    std::vector<double> a(30), b(30);
    for (size_t i = 0; i < 30; ++i) {
      a[i] = uniform_at(1, set, i);
      b[i] = uniform_at(2, set, i);
    }
    rejected += mann_whitney(a, b).p_value < 0.05;
  }
  EXPECT_GT(rejected, 25);
  EXPECT_LT(rejected, 75);
}

}  // namespace
}  // namespace kilotoken
