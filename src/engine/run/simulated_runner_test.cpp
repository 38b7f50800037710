#include "engine/run/simulated_runner.h"

#include <gtest/gtest.h>

#include "engine/run/engine.h"

namespace kilotoken {
namespace {

constexpr int kVocab = 97, kPageTokens = 4, kPages = 64;

struct Collected final : public OutputSink {
  void on_delta(const ChoiceDelta& delta) override {
    tokens.insert(tokens.end(), delta.tokens.begin(), delta.tokens.end());
    if (delta.finish) finish = delta.finish;
    error += delta.error;
  }
  std::vector<int32_t> tokens;
  std::optional<FinishReason> finish;
  std::string error;
};

std::shared_ptr<Request> make_request(RequestId id, int prompt_tokens, int max_tokens) {
  auto made = std::make_shared<Request>();
  made->id = id;
  for (int i = 0; i < prompt_tokens; ++i) made->prompt.push_back((i * 7 + 3) % kVocab);
  made->sampling.max_tokens = max_tokens;
  return made;
}

std::vector<int32_t> right_output(const Request& request) {
  SimulatedHistory history(request.cache_salt, kPageTokens);
  for (const int32_t token : request.prompt) history.append(token);
  std::vector<int32_t> output;
  while (static_cast<int>(output.size()) < request.sampling.max_tokens) {
    output.push_back(
        simulated_token(history.reads(), request.sampling.seed, 0, history.length(), kVocab));
    history.append(output.back());
  }
  return output;
}

class SimulatedRunnerTest : public testing::Test {
 protected:
  std::shared_ptr<Collected> add(std::shared_ptr<Request> request) {
    auto sink = std::make_shared<Collected>();
    engine.add(std::move(request), sink);
    return sink;
  }
  void run() {
    while (engine.step()) engine.scheduler().check_integrity();
  }

  StepFault fault;  // of the step `faulty_step`, counted from 0
  int faulty_step = -1, steps = 0;
  PagePool pool{kPages};
  PrefixCache cache{pool, kPageTokens};
  ManualClock clock;
  SimulatedRunner runner{
      {StepTimeLaw{{1e6, 1e5, 0, 1e4}}, 0, 1, kVocab, kPages, kPageTokens},
      clock,
      [this](const StepPlan&) { return steps++ == faulty_step ? fault : StepFault{}; }};
  Engine engine{
      SchedulerConfig{3, 8, kPageTokens, false}, pool, &cache, runner, nullptr, clock, nullptr};
};

TEST_F(SimulatedRunnerTest, TokensAreAFunctionOfTheHistory) {
  std::vector<std::shared_ptr<Request>> requests;
  std::vector<std::shared_ptr<Collected>> sinks;
  for (int i = 0; i < 6; ++i) {  // more than run at once, and all begin alike
    requests.push_back(make_request(static_cast<RequestId>(i) + 1, 3 + 5 * i, 9));
    if (i == 4) requests.back()->cache_salt = "somebody else's";
    sinks.push_back(add(requests.back()));
  }
  run();
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(sinks[i]->tokens, right_output(*requests[i])) << i;
  }
  EXPECT_NE(right_output(*requests[3]), right_output(*requests[4]));
  EXPECT_EQ(runner.open_count(), 0u);
}

TEST_F(SimulatedRunnerTest, AStepTakesWhatTheLawSays) {
  add(make_request(1, 6, 2));
  EXPECT_TRUE(engine.step());
  EXPECT_EQ(clock.now_ns(), 1'000'000 + 60'000);
  fault.hang_ns = 5'000'000'000;
  faulty_step = 1;
  EXPECT_TRUE(engine.step());
  EXPECT_EQ(clock.now_ns(), 1'060'000 + 1'100'000 + 5'000'000'000);
}

TEST_F(SimulatedRunnerTest, JitterHasBoundsAndIsTheSameAgain) {
  std::vector<int64_t> times[2];
  for (auto& of_run : times) {
    ManualClock time;
    SimulatedRunner jittery({StepTimeLaw{{1e6}}, 0.2, 9, kVocab, kPages, kPageTokens}, time);
    StepPlan plan;
    plan.opened.push_back({1, make_request(1, 4, 1), 0});
    Row row;
    row.sequence = 1;
    row.count = 1;
    row.pages = {0};
    plan.rows = {row};
    for (int i = 0; i < 50; ++i) {
      of_run.push_back(jittery.wait(jittery.submit(plan)).compute_ns);
      plan.opened.clear();
    }
  }
  EXPECT_EQ(times[0], times[1]);
  const auto [least, most] = std::minmax_element(times[0].begin(), times[0].end());
  EXPECT_GE(*least, 800'000);
  EXPECT_LE(*most, 1'200'000);
  EXPECT_GT(*most - *least, 200'000);
}

TEST_F(SimulatedRunnerTest, NanEndsWhoeverReadsItAndNobodyElse) {
  const auto bad = make_request(1, 7, 5), good = make_request(2, 5, 5);
  good->prompt[0] = 90;  // shares nothing
  const auto ended = add(bad), other = add(good);
  fault.nan_rows = {0};
  faulty_step = 0;
  run();
  EXPECT_EQ(ended->finish, FinishReason::kError);
  EXPECT_EQ(other->tokens, right_output(*good));
  const auto again = make_request(3, 7, 5);
  const auto later = add(again);
  run();
  EXPECT_EQ(later->tokens, right_output(*again)) << "what NaN wrote is not found again";
}

TEST_F(SimulatedRunnerTest, AStepThatFailsEndsItsRequestsAndTheEngineGoesOn) {
  const auto first = make_request(1, 16, 5), waiting = make_request(2, 16, 5),
             queued = make_request(3, 3, 5);
  waiting->prompt.back() = 90;      // so that it does not fork off, but has the first pages only
  const auto one = add(first);      // its prompt takes two steps, and the second one fails
  const auto other = add(waiting);  // waits for the pages of the same prompt
  fault.error = "the device is gone";
  faulty_step = 1;
  EXPECT_TRUE(engine.step());
  const auto third = add(queued);
  run();
  EXPECT_EQ(one->finish, FinishReason::kError);
  EXPECT_EQ(one->error, "the device is gone");
  EXPECT_TRUE(one->tokens.empty());
  EXPECT_EQ(other->finish, FinishReason::kLength);
  EXPECT_EQ(other->tokens, right_output(*waiting)) << "it does not go on with unwritten pages";
  EXPECT_EQ(third->tokens, right_output(*queued));
  EXPECT_EQ(engine.pages_in_use(), 0);
  EXPECT_EQ(runner.open_count(), 0u);
}

TEST(SimulatedKv, PagesInTheWrongPlaceOrFreedReadDifferently) {
  SimulatedKv kv(3, kPageTokens);
  for (int32_t page = 0; page < 2; ++page) {
    for (int slot = 0; slot < kPageTokens; ++slot) {
      kv.write(page, slot, static_cast<uint64_t>(10 * page + slot));
    }
  }
  const std::vector<int32_t> right = {0, 1}, swapped = {1, 0};
  const uint64_t reads = kv.read(right, 7).sum;
  EXPECT_NE(kv.read(swapped, 7).sum, reads);
  EXPECT_NE(kv.read(right, 8).sum, reads);
  kv.write_nan(1, 2);
  EXPECT_TRUE(kv.read(right, 6).is_number);
  EXPECT_FALSE(kv.read(right, 7).is_number);
  kv.scramble(1);
  EXPECT_TRUE(kv.read(right, 7).is_number);
  EXPECT_NE(kv.read(right, 7).sum, reads);
}

}  // namespace
}  // namespace kilotoken
