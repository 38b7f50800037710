#include "engine/run/engine.h"

#include "engine/run/async_runner.h"

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
    results_.push_back(std::move(result));
    return results_.size();
  }
  StepResult wait(Ticket ticket) override { return std::move(results_.at(ticket - 1)); }

  int32_t token = 7;
  SequenceId poisoned = 0;
  const std::set<SequenceId>& open() const { return open_; }

 private:
  std::set<SequenceId> open_;
  std::vector<StepResult> results_;
};

struct Collected final : public OutputSink {
  void on_delta(const ChoiceDelta& delta) override { deltas.push_back(delta); }
  std::vector<ChoiceDelta> deltas;
};

struct Recorder final : public StepObserver {
  void on_begin(const Request&, const ChoiceBegin&) override {}
  void on_step(const StepPlan&, const StepResult& result) override {
    ++steps;
    wasted_rows += result.wasted_rows;
  }
  void on_token(const Request&, int64_t since_previous_ns, bool first) override {
    first_tokens += first ? 1 : 0;
    if (!first) longest_gap_ns = std::max(longest_gap_ns, since_previous_ns);
  }
  void on_finish(const Request&, const RequestTimes& t) override { finished.push_back(t); }
  int steps = 0, first_tokens = 0, wasted_rows = 0;
  int64_t longest_gap_ns = 0;
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
  Engine engine{
      SchedulerConfig{4, 64, 64, false}, pool, nullptr, runner, nullptr, clock, &observer};
};

class OverlapTest : public EngineTest {
 protected:
  void run_overlapped() {
    while (overlapped.step()) overlapped.scheduler().check_integrity();
  }
  std::shared_ptr<Collected> add_overlapped(std::shared_ptr<Request> made) {
    auto sink = std::make_shared<Collected>();
    overlapped.add(std::move(made), sink);
    return sink;
  }
  AsyncRunner async{runner};
  Engine overlapped{SchedulerConfig{4, 64, 64, false},
                    pool,
                    nullptr,
                    async,
                    nullptr,
                    clock,
                    &observer,
                    Loop::kOverlap};
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

TEST_F(OverlapTest, AnEndThatCouldNotBeForeseenWastesOneRow) {
  runner.token = 2;  // the end-of-text token, at the first step
  const auto sink = add_overlapped(request(1, 9));
  run_overlapped();
  ASSERT_EQ(sink->deltas.size(), 1u);
  EXPECT_EQ(sink->deltas[0].finish, FinishReason::kStop);
  EXPECT_EQ(observer.wasted_rows, 1) << "of the step that was under way when the end was seen";
  EXPECT_EQ(pool.used_count(), 0);
  EXPECT_TRUE(runner.open().empty());
}

TEST_F(OverlapTest, AnEndByTheTokenLimitWastesNothing) {
  const auto sink = add_overlapped(request(1, 5));
  const auto scored = add_overlapped(request(2, 0));
  run_overlapped();
  EXPECT_EQ(sink->deltas.size(), 5u);
  EXPECT_EQ(scored->deltas.size(), 1u);
  EXPECT_EQ(observer.wasted_rows, 0);
  EXPECT_EQ(pool.used_count(), 0);
}

TEST_F(OverlapTest, CancelledWhileAStepIsUnderWay) {
  for (int steps = 0; steps < 6; ++steps) {
    const auto sink = add_overlapped(request(static_cast<RequestId>(steps) + 1, 4));
    for (int i = 0; i < steps; ++i) overlapped.step();
    overlapped.cancel(static_cast<RequestId>(steps) + 1);
    EXPECT_EQ(pool.used_count(), 0);
    const size_t heard = sink->deltas.size();
    run_overlapped();
    EXPECT_EQ(sink->deltas.size(), heard);
    EXPECT_TRUE(runner.open().empty());
  }
}

// Four pages of four tokens are too few for two sequences of eleven.
TEST_F(OverlapTest, WhoWasPreemptedIsToldForHowLong) {
  for (const Loop loop : {Loop::kSequential, Loop::kOverlap}) {
    PagePool few{4};
    Recorder seen;
    Engine tight({4, 64, 4, false}, few, nullptr, async, nullptr, clock, &seen, loop);
    const auto older = std::make_shared<Collected>(), younger = std::make_shared<Collected>();
    tight.add(request(1, 8), older);
    tight.add(request(2, 8), younger);
    do clock.advance_ns(1000);
    while (tight.step());
    ASSERT_EQ(seen.finished.size(), 2u);
    EXPECT_EQ(seen.finished[0].preemptions, 0);
    EXPECT_EQ(seen.finished[0].preempted_ns, 0);
    EXPECT_EQ(seen.finished[1].preemptions, 1);
    EXPECT_EQ(seen.finished[1].preempted_ns, seen.longest_gap_ns);
    EXPECT_GT(seen.longest_gap_ns, 1000) << "it waited for longer than a step";
    for (const auto& sink : {older, younger}) {
      ASSERT_EQ(sink->deltas.size(), 8u);
      for (size_t i = 0; i < 8; ++i) EXPECT_EQ(sink->deltas[i].times.has_value(), i == 7);
    }
    EXPECT_EQ(younger->deltas.back().times->preemptions, 1);
  }
}

TEST_F(EngineTest, AStaticBatchWaitsForMoreAndThenRunsWithoutThem) {
  SchedulerConfig config{4, 64, 64, false};
  config.batching = Batching::kStatic;
  Engine batched(config, pool, nullptr, runner, nullptr, clock, &observer);
  const auto early = std::make_shared<Collected>(), late = std::make_shared<Collected>();
  batched.add(request(1, 3), early);
  EXPECT_FALSE(batched.step()) << "one of four waits";
  EXPECT_EQ(batched.wakes_at_ns(), clock.now_ns() + config.static_batch_wait_ns);
  clock.advance_ns(config.static_batch_wait_ns);
  EXPECT_TRUE(batched.step());
  batched.add(request(2, 3), late);
  clock.advance_ns(config.static_batch_wait_ns);
  while (batched.step()) {
    if (early->deltas.size() < 3) {
      EXPECT_TRUE(late->deltas.empty()) << "the batch has begun";
    }
  }
  EXPECT_EQ(early->deltas.size(), 3u);
  EXPECT_EQ(late->deltas.size(), 3u);
  EXPECT_EQ(batched.scheduler().batch_count(), 2);
}

TEST_F(EngineTest, AFullStaticBatchDoesNotWait) {
  SchedulerConfig config{2, 64, 64, false};
  config.batching = Batching::kStatic;
  Engine batched(config, pool, nullptr, runner, nullptr, clock, &observer);
  const auto sink = std::make_shared<Collected>();
  for (RequestId id = 1; id <= 3; ++id) batched.add(request(id, 2), sink);
  while (batched.step()) batched.scheduler().check_integrity();
  EXPECT_EQ(observer.finished.size(), 2u) << "the third waits for a second one";
  EXPECT_TRUE(batched.wakes_at_ns());
  clock.advance_ns(config.static_batch_wait_ns);
  while (batched.step()) batched.scheduler().check_integrity();
  EXPECT_EQ(observer.finished.size(), 3u);
}

TEST_F(EngineTest, WhatCanNeverRunIsRefusedWithTheNumbers) {
  const int room = 16 * 64;  // all pages
  auto exact = request(1, 1);
  exact->prompt.assign(static_cast<size_t>(room), 5);
  auto more = request(2, 1);
  more->prompt.assign(static_cast<size_t>(room) + 1, 5);
  auto output = request(3, 3);
  output->prompt.assign(static_cast<size_t>(room) - 1, 5);
  auto none = request(4, 1);
  none->prompt.clear();
  const auto fits = add(exact);
  for (const auto& made : {more, output, none}) {
    const auto sink = add(made);
    ASSERT_EQ(sink->deltas.size(), 1u);
    EXPECT_EQ(sink->deltas[0].finish, FinishReason::kError);
    EXPECT_EQ(sink->deltas[0].error, engine.limits().check(*made).error().message);
  }
  EXPECT_NE(engine.limits().check(*more).error().message.find("1025 tokens"), std::string::npos);
  EXPECT_NE(engine.limits().check(*more).error().message.find("17 KV pages"), std::string::npos);
  run();
  ASSERT_FALSE(fits->deltas.empty());
  EXPECT_EQ(fits->deltas.back().finish, FinishReason::kLength);
  EXPECT_EQ(pool.used_count(), 0);
}

TEST_F(EngineTest, AnIdThatIsInUseIsRefusedAndTheFirstGoesOn) {
  const auto first = add(request(1, 5));
  const auto second = add(request(1, 5));
  ASSERT_EQ(second->deltas.size(), 1u);
  EXPECT_NE(second->deltas[0].error.find("in use"), std::string::npos);
  run();
  EXPECT_EQ(first->deltas.size(), 5u);
  EXPECT_EQ(add(request(1, 5))->deltas.size(), 0u) << "now it is free again";
}

TEST_F(EngineTest, CancelledAtEveryPoint) {
  const int before = pool.used_count();
  for (const int choices : {1, 3}) {
    for (int steps = 0; steps < 8; ++steps) {
      auto made = request(1, 6);
      made->prompt.assign(150, 5);  // three chunks of the budget
      made->sampling.n = choices;
      const auto sink = add(made);
      const auto neighbour = add(request(2, 3));
      for (int i = 0; i < steps; ++i) engine.step();
      engine.cancel(1);
      engine.cancel(1);
      engine.cancel(99);
      run();
      EXPECT_EQ(neighbour->deltas.size(), 3u);
      EXPECT_EQ(pool.used_count(), before);
      EXPECT_TRUE(runner.open().empty());
    }
  }
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
