#include "engine/sampling/sampling_params.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

namespace kilotoken {
namespace {

constexpr int kVocab = 100;

Result<void> check(const std::function<void(SamplingParams&)>& set) {
  SamplingParams params;
  set(params);
  return validate(params, kVocab);
}

void expect_refused(const std::string& field, const std::function<void(SamplingParams&)>& set) {
  const Result<void> result = check(set);
  ASSERT_FALSE(result.ok()) << field;
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(result.error().field, field);
  EXPECT_EQ(result.error().message.find(field), 0u) << result.error().message;
}

TEST(SamplingParams, DefaultsAndTheEdgesOfEveryRangeAreAccepted) {
  EXPECT_TRUE(check([](auto&) {}).ok());
  EXPECT_TRUE(check([](auto& p) {
                p.temperature = 0;
                p.top_k = -1;
                p.top_p = 1;
                p.min_p = 0;
                p.presence_penalty = p.frequency_penalty = -2;
                p.n = 128;
                p.min_tokens = p.max_tokens = 1;
                p.logprobs = p.prompt_logprobs = 20;
              }).ok());
  EXPECT_TRUE(check([](auto& p) {
                p.temperature = 5;
                p.top_k = 1;
                p.top_p = 1e-9f;
                p.min_p = 1;
                p.presence_penalty = p.frequency_penalty = 2;
                p.logprobs = 0;
                p.max_tokens = 0;
                p.logit_bias = {{0, -100.0f}, {kVocab - 1, 100.0f}};
                p.stop_token_ids = {0, kVocab - 1};
                p.stop.assign(16, "x");
              }).ok());
}

TEST(SamplingParams, EachValueOutsideItsRangeNamesItsField) {
  const float nan = std::nanf("");
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {-0.1f, nan, infinity}) {
    expect_refused("temperature", [&](auto& p) { p.temperature = bad; });
  }
  expect_refused("top_k", [](auto& p) { p.top_k = -2; });
  for (const float bad : {0.0f, -1.0f, 1.01f, nan}) {
    expect_refused("top_p", [&](auto& p) { p.top_p = bad; });
  }
  for (const float bad : {-0.01f, 1.01f, nan}) {
    expect_refused("min_p", [&](auto& p) { p.min_p = bad; });
  }
  for (const float bad : {-2.01f, 2.01f, nan}) {
    expect_refused("presence_penalty", [&](auto& p) { p.presence_penalty = bad; });
    expect_refused("frequency_penalty", [&](auto& p) { p.frequency_penalty = bad; });
  }
  for (const float bad : {0.0f, -1.0f, nan, infinity}) {
    expect_refused("repetition_penalty", [&](auto& p) { p.repetition_penalty = bad; });
  }
}

TEST(SamplingParams, CountsOutsideTheirRangeNameTheirField) {
  for (const int bad : {0, -1, 129, 10'000}) {
    expect_refused("n", [&](auto& p) { p.n = bad; });
  }
  expect_refused("max_tokens", [](auto& p) { p.max_tokens = -1; });
  expect_refused("min_tokens", [](auto& p) { p.min_tokens = -1; });
  expect_refused("min_tokens", [](auto& p) { p.min_tokens = p.max_tokens + 1; });
  for (const int bad : {-1, 21}) {
    expect_refused("logprobs", [&](auto& p) { p.logprobs = bad; });
    expect_refused("prompt_logprobs", [&](auto& p) { p.prompt_logprobs = bad; });
  }
}

TEST(SamplingParams, ListsWithBadEntriesNameTheirField) {
  for (const int32_t bad : {-1, kVocab}) {
    expect_refused("logit_bias", [&](auto& p) { p.logit_bias = {{bad, 1.0f}}; });
    expect_refused("stop_token_ids", [&](auto& p) { p.stop_token_ids = {bad}; });
  }
  for (const float bad : {100.5f, -100.5f, std::nanf("")}) {
    expect_refused("logit_bias", [&](auto& p) { p.logit_bias = {{3, bad}}; });
  }
  expect_refused("stop", [](auto& p) { p.stop = {"end", ""}; });
  expect_refused("stop", [](auto& p) { p.stop.assign(17, "x"); });
}

TEST(SamplingParams, TheMessageSaysWhatIsAllowedAndWhatCame) {
  const Result<void> result = check([](auto& p) { p.n = 10'000; });
  EXPECT_EQ(result.error().message, "n must be between 1 and 128, not 10000");
}

}  // namespace
}  // namespace kilotoken
