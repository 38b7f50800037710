#include "engine/sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>

namespace kilotoken {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

struct Case {
  SamplingParams params;
  SamplingState state;
  std::vector<int32_t> forbidden;
  int choice = 0;

  Sample at(int position, std::vector<float> logits) const {
    return sample_token(logits, {&params, &state, forbidden, choice, position});
  }
  // What sampling leaves of the logits, before the temperature.
  std::vector<float> changed(std::vector<float> logits) const {
    sample_token(logits, {&params, &state, forbidden, choice, 0});
    return logits;
  }
};

Case with(const std::function<void(SamplingParams&)>& set) {
  Case made;
  made.params.seed = 20240607;
  set(made.params);
  return made;
}

std::vector<int> draws(const Case& setup, const std::vector<float>& logits, int count) {
  std::vector<int> seen(logits.size(), 0);
  for (int position = 0; position < count; ++position) {
    const Sample sample = setup.at(position, logits);
    EXPECT_FALSE(sample.bad_logits);
    ++seen[static_cast<size_t>(sample.token)];
  }
  return seen;
}

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)) + 3.0f);
  return logits;
}

// Pearson's statistic; `bound` is the 99.9 % quantile for (tokens with p > 0) - 1 degrees of
// freedom.
void expect_distribution(const Case& setup, const std::vector<float>& logits,
                         const std::vector<double>& expected, double bound) {
  constexpr int kDraws = 10'000;
  const std::vector<int> seen = draws(setup, logits, kDraws);
  double statistic = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == 0) {
      EXPECT_EQ(seen[i], 0) << "token " << i << " should never be drawn";
      continue;
    }
    const double difference = seen[i] - kDraws * expected[i];
    statistic += difference * difference / (kDraws * expected[i]);
  }
  EXPECT_LT(statistic, bound);
}

const std::vector<double> kSix = {0.05, 0.4, 0.1, 0.2, 0.15, 0.1};

TEST(Sampler, GreedyTakesTheLargestAndTheLowerIdOfATie) {
  const Case greedy = with([](auto& p) { p.temperature = 0; });
  EXPECT_EQ(greedy.at(0, {1, 5, 2, 5}).token, 1);
  EXPECT_EQ(greedy.at(7, {-3, -5, -2, -4}).token, 2);
}

TEST(Sampler, DrawsTheModelsDistribution) {
  expect_distribution(with([](auto&) {}), logs(kSix), kSix, 20.52);
}

TEST(Sampler, TheChiSquareBoundNoticesAWrongDistribution) {
  const std::vector<int> seen = draws(with([](auto&) {}), logs({0.25, 0.25, 0.25, 0.25}), 10'000);
  double statistic = 0;
  for (const int count : seen) statistic += std::pow(count - 2500 * 1.08, 2) / (2500 * 1.08);
  EXPECT_GT(statistic, 16.27);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  std::vector<double> expected = kSix;  // at temperature 1/2 the squares, normalised
  double total = 0;
  for (double& p : expected) total += p *= p;
  for (double& p : expected) p /= total;
  expect_distribution(with([](auto& p) { p.temperature = 0.5f; }), logs(kSix), expected, 20.52);
}

TEST(Sampler, AVerySmallTemperatureIsGreedyAndFinite) {
  const Case cold = with([](auto& p) { p.temperature = 1e-38f; });
  for (int position = 0; position < 50; ++position) {
    EXPECT_EQ(cold.at(position, {-1e30f, 3.0f, 3.0001f, 1e-3f}).token, 2);
  }
}

TEST(Sampler, TopKKeepsTheMostLikelyAndTheLowerIdOfATie) {
  const auto logits = logs(kSix);
  expect_distribution(with([](auto& p) { p.top_k = 2; }), logits, {0, 2. / 3, 0, 1. / 3, 0, 0},
                      10.83);
  expect_distribution(with([](auto& p) { p.top_k = 4; }), logits,
                      {0, 0.4 / 0.85, 0.1 / 0.85, 0.2 / 0.85, 0.15 / 0.85, 0}, 16.27);
  expect_distribution(with([](auto& p) { p.top_k = -1; }), logits, kSix, 20.52);
}

TEST(Sampler, TopPKeepsTokensUntilTheMassIsReached) {
  const auto logits = logs({0.5, 0.25, 0.125, 0.125});
  expect_distribution(with([](auto& p) { p.top_p = 0.49f; }), logits, {1, 0, 0, 0}, 1);
  expect_distribution(with([](auto& p) { p.top_p = 0.74f; }), logits, {2. / 3, 1. / 3, 0, 0},
                      10.83);
  expect_distribution(with([](auto& p) { p.top_p = 0.76f; }), logits,
                      {0.5 / 0.875, 0.25 / 0.875, 0.125 / 0.875, 0}, 13.82);
  expect_distribution(with([](auto& p) { p.top_p = 1e-6f; }), logits, {1, 0, 0, 0}, 1);
}

TEST(Sampler, TopPAtTheBoundaryTakesNoMore) {
  // Equal logits have weights of exactly 1, so half of the mass is exactly two of four tokens.
  expect_distribution(with([](auto& p) { p.top_p = 0.5f; }), {1, 1, 1, 1}, {0.5, 0.5, 0, 0}, 10.83);
  expect_distribution(with([](auto& p) { p.top_p = 0.5001f; }), {1, 1, 1, 1},
                      {1. / 3, 1. / 3, 1. / 3, 0}, 13.82);
}

TEST(Sampler, TopPSeesTheDistributionThatTopKLeft) {
  // After top_k 2 the first token holds 0.5 / 0.75 of the mass, so 0.6 is reached at once.
  const Case setup = with([](auto& p) {
    p.top_k = 2;
    p.top_p = 0.6f;
  });
  expect_distribution(setup, logs({0.25, 0.5, 0.125, 0.125}), {0, 1, 0, 0}, 1);
}

TEST(Sampler, TopPSortsBeyondItsFirstStretch) {
  std::vector<float> logits(1000, 0.0f);  // 700 of the 1,000 equal tokens, the lower ids
  const std::vector<int> seen = draws(with([](auto& p) { p.top_p = 0.6995f; }), logits, 10'000);
  EXPECT_GT(std::accumulate(seen.begin() + 600, seen.begin() + 700, 0), 1000);
  EXPECT_EQ(std::accumulate(seen.begin() + 700, seen.end(), 0), 0);
}

TEST(Sampler, MinPComparesWithTheMostLikely) {
  expect_distribution(with([](auto& p) { p.min_p = 0.3f; }), logs({0.5, 0.2, 0.14, 0.16}),
                      {0.5 / 0.86, 0.2 / 0.86, 0, 0.16 / 0.86}, 13.82);
  expect_distribution(with([](auto& p) { p.min_p = 1; }), {2, 1, 2, 1}, {0.5, 0, 0.5, 0}, 10.83);
}

TEST(Sampler, MinPIsMeasuredAfterTheTemperature) {
  const Case hot = with([](auto& p) {
    p.temperature = 2;
    p.min_p = 0.45f;
  });
  // sqrt(0.2 / 0.8) = 0.5 passes at temperature 2, 0.25 would not at 1.
  expect_distribution(hot, logs({0.8, 0.2}), {2. / 3, 1. / 3}, 10.83);
}

TEST(Sampler, PenaltiesByHand) {
  Case setup = with([](auto& p) {
    p.presence_penalty = 0.5f;
    p.frequency_penalty = 0.25f;
    p.repetition_penalty = 2;
  });
  setup.state.prompt_counts = {{0, 1}, {1, 3}};
  setup.state.output_counts = {{1, 2}, {2, 4}};
  // Token 0: only in the prompt: 3 / 2. Token 1 in both, divided once: -1 * 2 - 2 * 0.25 - 0.5.
  // Token 2: 4 / 2 - 4 * 0.25 - 0.5. Token 3: never seen.
  EXPECT_EQ(setup.changed({3, -1, 4, 2}), (std::vector<float>{1.5f, -3.0f, 0.5f, 2.0f}));
}

TEST(Sampler, BiasIsAddedBeforeThePenalties) {
  Case setup = with([](auto& p) {
    p.logit_bias = {{0, 5.0f}, {2, -100.0f}};
    p.repetition_penalty = 2;
    p.temperature = 0;
  });
  setup.state.prompt_counts = {{0, 1}};
  EXPECT_EQ(setup.changed({1, 2, 50}), (std::vector<float>{3, 2, -50}));
  EXPECT_EQ(setup.at(0, {1, 2, 50}).token, 0);
}

TEST(Sampler, ForbiddenTokensAreNeverDrawnAndUnknownOnesIgnored) {
  Case setup = with([](auto&) {});
  setup.forbidden = {1, 3, 77};
  expect_distribution(setup, logs({0.2, 0.4, 0.2, 0.2}), {0.5, 0, 0.5, 0}, 10.83);
  setup.params.temperature = 0;
  EXPECT_EQ(setup.at(0, {1, 9, 2, 8}).token, 2);
}

TEST(Sampler, NothingLeftToDrawIsReported) {
  Case setup = with([](auto&) {});
  setup.forbidden = {0, 1};
  EXPECT_TRUE(setup.at(0, {1, 2}).bad_logits);
}

TEST(Sampler, NanAndInfAreReportedWhereverTheyAre) {
  for (const float bad : {std::nanf(""), kInf, -kInf}) {
    for (const float temperature : {0.0f, 1.0f}) {
      const Case setup = with([&](auto& p) { p.temperature = temperature; });
      for (size_t place = 0; place < 3; ++place) {
        std::vector<float> logits = {1, 2, 3};
        logits[place] = bad;
        const Sample sample = setup.at(0, logits);
        EXPECT_TRUE(sample.bad_logits);
        EXPECT_EQ(sample.token, -1);
      }
    }
  }
}

TEST(Sampler, ExtremePenaltiesStayFinite) {
  Case setup = with([](auto& p) { p.repetition_penalty = 1e-38f; });
  setup.state.prompt_counts = {{0, 1}, {1, 1}};
  for (const float logit : setup.changed({1e30f, 2e30f, 1})) EXPECT_TRUE(std::isfinite(logit));
}

TEST(Sampler, ADrawDependsOnSeedChoiceAndPositionAlone) {
  const std::vector<float> logits(512, 0.25f);
  const auto sequence = [&](uint64_t seed, int choice) {
    Case setup = with([&](auto& p) { p.seed = seed; });
    setup.choice = choice;
    std::vector<int32_t> tokens;
    for (int position = 40; position-- > 0;) tokens.push_back(setup.at(position, logits).token);
    return tokens;
  };
  const auto base = sequence(1, 0);
  EXPECT_EQ(sequence(1, 0), base);
  EXPECT_NE(sequence(2, 0), base);
  EXPECT_NE(sequence(1, 1), base);
  EXPECT_GT(std::set<int32_t>(base.begin(), base.end()).size(), 30u);  // positions differ
  EXPECT_EQ(with([](auto& p) { p.seed = 1; }).at(39, logits).token, base.front());
}

TEST(Sampler, FiltersThatKeepEverythingChangeNothing) {
  const auto logits = logs(kSix);
  const Case plain = with([](auto&) {});
  const Case open = with([](auto& p) {
    p.top_k = 6;
    p.top_p = 0.9999999f;
    p.min_p = 1e-6f;
  });
  for (int position = 0; position < 500; ++position) {
    EXPECT_EQ(plain.at(position, logits).token, open.at(position, logits).token);
  }
}

TEST(TokenLogprob, IsTheLogSoftmaxWithRanksAndTheTop) {
  const std::vector<float> logits = logs({0.1, 0.4, 0.2, 0.2, 0.1});
  const TokenLogprob second = token_logprob(logits, 3, 3);
  EXPECT_NEAR(second.logprob, std::log(0.2), 1e-6);
  EXPECT_EQ(second.rank, 3);  // token 2 ties with it and has the lower id
  ASSERT_EQ(second.top.size(), 3u);
  EXPECT_EQ(second.top[0].first, 1);
  EXPECT_EQ(second.top[1].first, 2);
  EXPECT_EQ(second.top[2].first, 3);
  EXPECT_NEAR(second.top[0].second, std::log(0.4), 1e-6);
  EXPECT_EQ(token_logprob(logits, 1, 0).rank, 1);
  EXPECT_TRUE(token_logprob(logits, 1, 0).top.empty());
  EXPECT_EQ(token_logprob(logits, 0, 20).top.size(), 5u);
}

TEST(TokenLogprob, LargeLogitsDoNotOverflow) {
  const std::vector<float> logits = {3e38f, 3e38f, -3e38f};
  EXPECT_NEAR(token_logprob(logits, 1, 0).logprob, std::log(0.5), 1e-6);
}

}  // namespace
}  // namespace kilotoken
