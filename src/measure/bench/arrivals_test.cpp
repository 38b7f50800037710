// Load shapes against what their names promise.

#include "measure/bench/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/stats.h"

namespace kilotoken::bench {
namespace {

std::vector<double> gaps_of(const std::vector<int64_t>& times) {
  std::vector<double> gaps;
  int64_t before = 0;
  for (const int64_t time : times) {
    gaps.push_back(static_cast<double>(time - before) * 1e-9);
    before = time;
  }
  return gaps;
}

TEST(Arrivals, HaveTheVariationOfTheirShape) {
  for (const double shape : {0.25, 1.0, 4.0}) {
    ArrivalOptions options;
    options.rate = 10;
    options.burstiness = shape;
    options.seed = 5;
    const auto gaps = gaps_of(arrivals(20'000, options));
    const double mean = average_of(gaps);
    EXPECT_NEAR(mean, 0.1, 1e-6) << shape;  // rescaled: n requests take n / rate
    const double variation = standard_deviation_of(gaps) / mean;
    EXPECT_NEAR(variation, 1 / std::sqrt(shape), 0.06 / std::sqrt(shape)) << shape;
  }
}

TEST(Arrivals, WithoutRescalingTheRateHoldsOnAverage) {
  ArrivalOptions options;
  options.rate = 10;
  options.rescale = false;
  options.seed = 3;
  EXPECT_NEAR(average_of(gaps_of(arrivals(20'000, options))), 0.1, 0.003);
}

TEST(Arrivals, ConstantAndAtOnce) {
  ArrivalOptions options;
  options.rate = 4;
  options.burstiness = std::numeric_limits<double>::infinity();
  EXPECT_EQ(arrivals(3, options), (std::vector<int64_t>{250'000'000, 500'000'000, 750'000'000}));
  EXPECT_EQ(arrivals(2, ArrivalOptions{}), (std::vector<int64_t>{0, 0}));
}

TEST(Arrivals, ARampEndsFasterThanItBegins) {
  for (const char* ramp : {"linear", "exponential"}) {
    ArrivalOptions options;
    options.ramp = ramp;
    options.ramp_start = 1;
    options.ramp_end = 10;
    options.burstiness = std::numeric_limits<double>::infinity();
    const auto gaps = gaps_of(arrivals(100, options));
    EXPECT_NEAR(gaps.front(), 1, 1e-6);
    EXPECT_NEAR(gaps.back(), 0.1, 0.01);
  }
}

TEST(Arrivals, BurstsHaveTheirOwnRate) {
  ArrivalOptions options;
  options.rate = 2;
  options.burst_rate = 50;
  options.burst_every_s = 10;
  options.burst_for_s = 2;
  options.seed = 9;
  const auto times = arrivals(10'000, options);
  int64_t within = 0;
  for (const int64_t time : times) within += time % 10'000'000'000 < 2'000'000'000;
  const double share = static_cast<double>(within) / 10'000;
  EXPECT_NEAR(share, 100.0 / 116, 0.01);  // 2 s at 50, 8 s at 2
}

TEST(Arrivals, DependOnTheSeedAlone) {
  ArrivalOptions options;
  options.rate = 7;
  options.seed = 1;
  const auto first = arrivals(50, options);
  EXPECT_EQ(arrivals(50, options), first);
  options.seed = 2;
  EXPECT_NE(arrivals(50, options), first);
}

TEST(Arrivals, ImpossibleShapesAreRefusedByName) {
  const auto refused = [](auto change) {
    ArrivalOptions options;
    options.rate = 1;
    change(options);
    const auto result = check(options);
    return result.ok() ? std::string() : result.error().message;
  };
  EXPECT_EQ(refused([](ArrivalOptions&) {}), "");
  EXPECT_NE(refused([](auto& o) { o.rate = 0; }).find("--request-rate"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.burstiness = -1; }).find("--burstiness"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.ramp = "x"; }).find("--ramp-up-strategy"), std::string::npos);
  EXPECT_NE(refused([](auto& o) { o.burst_every_s = 5; }).find("--burst-rate"), std::string::npos);
}

}  // namespace
}  // namespace kilotoken::bench
