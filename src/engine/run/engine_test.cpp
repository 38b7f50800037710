#include "engine/run/engine.h"

#include <gtest/gtest.h>

#include <set>

namespace kilotoken {
namespace {

// Samples whatever the script says for the next position; remembers what it was told.
class ScriptedRunner final : public Runner {
 public:
  Ticket submit(const StepPlan& plan) override {
    for (const auto& opened : plan.opened) open_.insert(opened.sequence);
    for (const SequenceId closed : plan.closed) open_.erase(closed);
    StepResult result;
    for (const Row& row : plan.rows) {
      RowResult out;
      out.sequence = row.sequence;
      out.sampled = row.samples;
      out.sample.token = token;
      out.sample.bad_logits = row.sequence == poisoned;
      result.rows.push_back(out);
    }
    result_ = std::move(result);
    return 1;
  }
  StepResult wait(Ticket) override { return std::move(result_); }

  int32_t token = 7;
  SequenceId poisoned = 0;
  const std::set<SequenceId>& open() const { return open_; }

 private:
  std::set<SequenceId> open_;
  StepResult result_;
};

struct Collected final : public OutputSink {
  void on_delta(const ChoiceDelta& delta) override { deltas.push_back(delta); }
  std::vector<ChoiceDelta> deltas;
};

struct Recorder final : public StepObserver {
  void on_step(const StepPlan&, const StepResult&) override { ++steps; }
  void on_token(const Request&, int64_t, bool first) override { first_tokens += first ? 1 : 0; }
  void on_finish(const Request&, const RequestTimes& t) override { finished.push_back(t); }
  int steps = 0, first_tokens = 0;
  std::vector<RequestTimes> finished;
};

class EngineTest : public testing::Test {
 protected:
  std::shared_ptr<Request> request(RequestId id, int max_tokens) {
    auto made = std::make_shared<Request>();
    made->id = id;
    made->prompt = {1, 2, 3};
    made->sampling.max_tokens = max_tokens;
    made->eos_token_ids = {2};
    return made;
  }
  std::shared_ptr<Collected> add(std::shared_ptr<Request> made) {
    auto sink = std::make_shared<Collected>();
    engine.add(std::move(made), sink);
    return sink;
  }
  void run() {
    while (engine.step()) engine.scheduler().check_integrity();
  }

  PagePool pool{16};
  ScriptedRunner runner;
  ManualClock clock;
  Recorder observer;
  Engine engine{SchedulerConfig{4, 64, 64, false}, pool, runner, nullptr, clock, &observer};
};

TEST_F(EngineTest, EndsAtTheTokenLimitAndFreesEverything) {
  const auto sink = add(request(1, 5));
  run();
  ASSERT_EQ(sink->deltas.size(), 5u);
  EXPECT_EQ(sink->deltas.back().finish, FinishReason::kLength);
  EXPECT_EQ(pool.used_count(), 0);
  EXPECT_TRUE(runner.open().empty()) << "the runner's slot is given back";
  ASSERT_EQ(observer.finished.size(), 1u);
  EXPECT_EQ(observer.finished[0].output_tokens, 5);
  EXPECT_EQ(observer.first_tokens, 1);
}

TEST_F(EngineTest, EosEndsUnlessIgnoredOrUnderTheMinimum) {
  runner.token = 2;
  const auto plain = add(request(1, 9));
  auto ignoring = request(2, 4);
  ignoring->sampling.ignore_eos = true;
  const auto ignored = add(ignoring);
  auto minimum = request(3, 9);
  minimum->sampling.min_tokens = 3;
  const auto late = add(minimum);
  run();
  EXPECT_EQ(plain->deltas.size(), 1u);
  EXPECT_EQ(plain->deltas.back().finish, FinishReason::kStop);
  EXPECT_EQ(ignored->deltas.size(), 4u);
  EXPECT_EQ(ignored->deltas.back().finish, FinishReason::kLength);
  EXPECT_EQ(late->deltas.size(), 4u);
}

TEST_F(EngineTest, BadLogitsEndOneRequestAndNotTheOthers) {
  const auto bad = add(request(1, 5));
  const auto good = add(request(2, 5));
  runner.poisoned = 1;  // sequences are numbered from 1 in order of arrival
  run();
  ASSERT_EQ(bad->deltas.size(), 1u);
  EXPECT_EQ(bad->deltas[0].finish, FinishReason::kError);
  EXPECT_NE(bad->deltas[0].error.find("NaN"), std::string::npos);
  EXPECT_EQ(good->deltas.back().finish, FinishReason::kLength);
}

TEST_F(EngineTest, CancelFreesPagesAtOnceAndSilencesTheSink) {
  auto many = request(1, 50);
  many->sampling.n = 3;
  const auto sink = add(many);
  engine.step();
  engine.step();
  const size_t before = sink->deltas.size();
  EXPECT_EQ(pool.used_count(), 3);
  engine.cancel(1);
  EXPECT_EQ(pool.used_count(), 0);
  run();
  EXPECT_EQ(sink->deltas.size(), before);
  EXPECT_TRUE(runner.open().empty());
  EXPECT_EQ(observer.finished[0].finish, FinishReason::kAbort);
}

TEST_F(EngineTest, EveryChoiceEndsOnceAndTheRequestWithTheLast) {
  auto many = request(1, 2);
  many->sampling.n = 6;  // more than may run at once
  const auto sink = add(many);
  run();
  std::set<int> ended;
  for (const ChoiceDelta& delta : sink->deltas) {
    if (!delta.finish) continue;
    EXPECT_TRUE(ended.insert(delta.choice).second) << "a choice ended twice";
  }
  EXPECT_EQ(ended.size(), 6u);
  EXPECT_EQ(observer.finished.size(), 1u);
}

TEST_F(EngineTest, NoTokensAskedForGivesNone) {
  const auto sink = add(request(1, 0));
  run();
  ASSERT_EQ(sink->deltas.size(), 1u);
  EXPECT_TRUE(sink->deltas[0].tokens.empty());
  EXPECT_EQ(sink->deltas[0].finish, FinishReason::kLength);
}

}  // namespace
}  // namespace kilotoken
