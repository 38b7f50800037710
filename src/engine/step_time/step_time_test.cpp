#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "engine/step_time/step_time_fit.h"

namespace kilotoken {
namespace {

// Costs of a small model on a CPU: ms a step, us a row, and so on.
const StepTimeLaw kLaw{{2e6, 150e3, 80e3, 40e3, 60, 25, 700, 90e3}};

// Step `i` of a server: some sequences decode, sometimes a chunk of a prompt is beside them.
StepWork work_at(uint64_t i) {
  const auto draw = [&](uint32_t what, int most) {
    return static_cast<int>(uniform_at(7, what, i) * most);
  };
  StepWork work;
  for (int row = draw(1, 16); row >= 0; --row) work.add_row(50 + 40 * row + draw(2, 900), 1, 1);
  if (draw(3, 3) == 0) work.add_row(draw(4, 2) * 256, 2 + draw(5, 254), draw(6, 2));
  return work;
}

// A multiple of the law's time, so that every step is off by up to `noise`.
int64_t time_of(const StepTimeLaw& law, uint64_t i, double noise) {
  const double factor = 1 + noise * (2 * uniform_at(8, 1, i) - 1);
  return std::llround(law.predict_ns(work_at(i)) * factor);
}

double mean_error(const StepTimeLaw& fitted, const StepTimeLaw& law) {
  double sum = 0;
  for (uint64_t i = 100'000; i < 100'500; ++i) {
    const double is = law.predict_ns(work_at(i));
    sum += std::abs(fitted.predict_ns(work_at(i)) - is) / is;
  }
  return sum / 500;
}

TEST(StepTimeFit, FindsALawWithoutNoise) {
  StepTimeFit fit;
  for (uint64_t i = 0; i < 1000; ++i) fit.observe(work_at(i), time_of(kLaw, i, 0));
  EXPECT_LT(mean_error(fit.law(), kLaw), 0.001) << fit.law().describe();
  EXPECT_EQ(fit.error().steps, 1000 - 32);
  EXPECT_LT(fit.error().median, 0.002);
}

TEST(StepTimeFit, FindsALawInNoise) {
  StepTimeFit fit;
  for (uint64_t i = 0; i < 3000; ++i) fit.observe(work_at(i), time_of(kLaw, i, 0.2));
  EXPECT_LT(mean_error(fit.law(), kLaw), 0.03) << fit.law().describe();
  EXPECT_NEAR(fit.error().median, 0.1, 0.03) << "the noise's own median";
}

TEST(StepTimeFit, NoiseMakesItNeitherLowNorHigh) {
  StepTimeFit fit;
  for (uint64_t i = 0; i < 6000; ++i) fit.observe(work_at(i), time_of(kLaw, i, 0.5));
  double fitted = 0, is = 0;
  for (uint64_t i = 5000; i < 6000; ++i) {
    fitted += fit.law().predict_ns(work_at(i));
    is += kLaw.predict_ns(work_at(i));
  }
  EXPECT_NEAR(fitted / is, 1, 0.03) << fit.law().describe();
}

TEST(StepTimeFit, StepsFarOffDoNotMoveIt) {
  StepTimeFit fit;
  for (uint64_t i = 0; i < 3000; ++i) {
    int64_t time = time_of(kLaw, i, 0.05);
    if (i % 17 == 3) time *= 20;  // another process had the CPU
    if (i % 101 == 5) time /= 10;
    fit.observe(work_at(i), time);
  }
  EXPECT_LT(mean_error(fit.law(), kLaw), 0.05) << fit.law().describe();
  EXPECT_LT(fit.error().median, 0.06);
  EXPECT_GT(fit.error().p95, 0.5) << "they are counted all the same";
}

TEST(StepTimeFit, FollowsAMachineThatBecomesSlower) {
  StepTimeFit fit;
  StepTimeLaw slower = kLaw;
  for (double& cost : slower.cost_ns) cost *= 3;
  for (uint64_t i = 0; i < 3000; ++i) fit.observe(work_at(i), time_of(kLaw, i, 0.05));
  for (uint64_t i = 0; i < 6000; ++i) fit.observe(work_at(i), time_of(slower, i, 0.05));
  EXPECT_LT(mean_error(fit.law(), slower), 0.1) << fit.law().describe();
}

TEST(StepTimeFit, KeepsWhatRecentStepsSayNothingOf) {
  StepTimeFit fit;
  for (uint64_t i = 0; i < 2000; ++i) fit.observe(work_at(i), time_of(kLaw, i, 0.05));
  for (uint64_t i = 0; i < 30'000; ++i) {  // no prompt for a long time
    StepWork work;
    for (uint64_t row = i % 8; row < 8; ++row) work.add_row(static_cast<int>(i % 700), 1, 1);
    fit.observe(work, std::llround(kLaw.predict_ns(work)));
  }
  EXPECT_LT(mean_error(fit.law(), kLaw), 0.15) << fit.law().describe();
}

TEST(StepTimeFit, MoreWorkNeverTakesLess) {
  StepTimeFit fit;
  // Times that no such law gives: the longer the step, the quicker.
  for (uint64_t i = 0; i < 500; ++i) {
    fit.observe(work_at(i), std::llround(1e13 / kLaw.predict_ns(work_at(i))));
  }
  for (uint64_t i = 0; i < 200; ++i) {
    StepWork more = work_at(i);
    const double before = fit.law().predict_ns(more);
    EXPECT_GT(before, 0);
    more.add_row(static_cast<int>(i), 1, 1);
    more.add_row(0, 2 + static_cast<int>(i), 0);
    EXPECT_GE(fit.law().predict_ns(more), before);
  }
}

TEST(StepTimeFit, TheSameStepsGiveTheSameLaw) {
  StepTimeFit one, other;
  for (uint64_t i = 0; i < 700; ++i) {
    one.observe(work_at(i), time_of(kLaw, i, 0.3));
    other.observe(work_at(i), time_of(kLaw, i, 0.3));
  }
  EXPECT_EQ(one.law().cost_ns, other.law().cost_ns);
}

TEST(StepTimeFit, WhatTookNoTimeIsNoStep) {
  StepTimeFit fit;
  for (int i = 0; i < 100; ++i) fit.observe(work_at(1), 0);
  EXPECT_FALSE(fit.ready());
  EXPECT_EQ(fit.error().steps, 0);
  EXPECT_EQ(fit.law().describe(), "nothing is known yet");
}

TEST(StepTimeLaw, CountsPairsOfAttention) {
  StepWork work;
  work.add_row(10, 1, 1);  // looks at ten tokens and at itself
  work.add_row(4, 3, 0);   // 5 + 6 + 7
  EXPECT_EQ(work.single_pairs, 11);
  EXPECT_EQ(work.long_pairs, 18);
  EXPECT_EQ(work.long_context, 7);
  EXPECT_EQ(work.single_rows, 1);
  EXPECT_EQ(work.long_tokens, 3);
  EXPECT_EQ(work.logit_rows, 1);
}

TEST(StepTimeLaw, LargestBudgetIsTheLargest) {
  // 10 ms a step, 1 ms a decoding sequence, 0.5 ms a prompt's token.
  const StepTimeLaw law{{10e6, 1e6, 0, 0.5e6}};
  EXPECT_EQ(largest_token_budget(law, {4, 100, 100e6, 4096}), 4 + 172);
  EXPECT_EQ(largest_token_budget(law, {4, 100, 100e6, 64}), 64) << "never more than asked for";
  EXPECT_EQ(largest_token_budget(law, {4, 100, 15e6, 64}), 4 + 2);
  EXPECT_EQ(largest_token_budget(law, {4, 100, 14e6, 64}), std::nullopt);
  EXPECT_EQ(largest_token_budget(law, {64, 100, 100e6, 64}), std::nullopt) << "no room for one";
}

TEST(StepTimeLaw, SaysItsCostsInUnits) {
  EXPECT_EQ((StepTimeLaw{{2e6, 150e3, 0, 0, 60}}).describe(),
            "2 ms a step, 150 us a single row, 60 ns a single pair");
}

}  // namespace
}  // namespace kilotoken
