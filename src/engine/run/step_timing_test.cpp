#include "engine/run/step_timing.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

Row row(int first, int count, LogitsWanted wants) {
  Row made;
  made.first = first;
  made.count = count;
  made.wants_logits = wants;
  return made;
}

StepPlan plan(int decoding, int context, int prompt_tokens) {
  StepPlan made;
  for (int i = 0; i < decoding; ++i) made.rows.push_back(row(context, 1, LogitsWanted::kLast));
  if (prompt_tokens > 0) made.rows.push_back(row(0, prompt_tokens, LogitsWanted::kNone));
  return made;
}

TEST(StepTiming, WorkOfAPlan) {
  StepPlan made = plan(2, 9, 4);
  made.rows.push_back(row(0, 3, LogitsWanted::kAll));
  const StepWork work = work_of(made);
  EXPECT_EQ(work.single_rows, 2);
  EXPECT_EQ(work.single_pairs, 20);
  EXPECT_EQ(work.long_rows, 2);
  EXPECT_EQ(work.long_tokens, 7);
  EXPECT_EQ(work.long_pairs, 10 + 6);
  EXPECT_EQ(work.long_context, 4 + 3);
  EXPECT_EQ(work.logit_rows, 2 + 3);
}

TEST(StepTiming, LearnsFromSteps) {
  StepTiming timing;
  EXPECT_FALSE(timing.learned().ready);
  for (int i = 0; i < 400; ++i) {
    const StepPlan step = plan(1 + i % 7, 20 + i, i % 5 == 0 ? 30 + i % 11 : 0);
    StepResult result;
    result.compute_ns = 1'000'000 + 100'000 * static_cast<int64_t>(step.rows.size());
    timing.on_step(step, result);
  }
  timing.on_step(StepPlan{}, StepResult{});  // a step without rows takes no time worth knowing
  const StepTiming::Learned learned = timing.learned();
  EXPECT_TRUE(learned.ready);
  EXPECT_EQ(learned.error.steps, 400 - 32);
  EXPECT_LT(learned.error.median, 0.01);
  EXPECT_NEAR(learned.law.predict_ns(work_of(plan(4, 100, 0))), 1.4e6, 0.03e6);
  EXPECT_NE(learned.describe().find("368 steps predicted"), std::string::npos);
}

struct Counter final : public StepObserver {
  void on_begin(const Request&, const ChoiceBegin&) override { ++calls; }
  void on_step(const StepPlan&, const StepResult&) override { ++calls; }
  void on_token(const Request&, int64_t, bool) override { ++calls; }
  void on_finish(const Request&, const RequestTimes&) override { ++calls; }
  int calls = 0;
};

TEST(BothObservers, EachHearsEverything) {
  Counter one, other;
  const auto tell = [](StepObserver& observer) {
    observer.on_begin({}, {});
    observer.on_step({}, {});
    observer.on_token({}, 0, true);
    observer.on_finish({}, {});
  };
  BothObservers both(one, &other), alone(one, nullptr);
  tell(both);
  tell(alone);
  EXPECT_EQ(one.calls, 8);
  EXPECT_EQ(other.calls, 4);
}

}  // namespace
}  // namespace kilotoken
