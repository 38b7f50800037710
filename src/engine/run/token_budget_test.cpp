#include "engine/run/token_budget.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

// A device on which a step takes 2 ms and each token 0.1 ms more, for as many steps as it takes to
// know that.
void teach(StepTiming& timing) {
  for (int i = 0; i < 200; ++i) {
    StepPlan plan;
    Row one;
    one.first = 10 + i % 3;
    one.count = 1;
    one.wants_logits = LogitsWanted::kLast;
    for (int k = 0; k <= i % 5; ++k) plan.rows.push_back(one);
    Row prompt = one;
    prompt.count = 2 + (i * 7) % 90;
    prompt.wants_logits = LogitsWanted::kNone;
    if (i % 4 > 0) plan.rows.push_back(prompt);
    StepResult result;
    result.compute_ns = 2'000'000 + 100'000 * int64_t{plan.tokens()};
    timing.on_step(plan, result);
  }
}

class TokenBudgetTest : public testing::Test {
 protected:
  void add_decoding(int count) {
    for (int i = 0; i < count; ++i) {
      auto request = std::make_shared<Request>();
      request->prompt = {1, 2, 3};
      request->sampling.max_tokens = 1000;
      auto sequence = std::make_unique<Sequence>();
      sequence->id = ++last_;
      sequence->length = 3;
      sequence->request = request;
      scheduler.add(std::move(sequence));
    }
    scheduler.plan();
  }
  PagePool pool{64};
  Scheduler scheduler{{16, 512, 64, false}, pool};
  StepTiming timing;
  SequenceId last_ = 0;
};

TEST_F(TokenBudgetTest, IsTheMostThatMeetsTheTarget) {
  teach(timing);
  TokenBudget budget(timing, {10'000'000, 512, 2048});
  EXPECT_EQ(budget.tokens(scheduler), 512) << "nobody waits for a token";
  add_decoding(4);
  EXPECT_NEAR(budget.tokens(scheduler), 80, 8) << "2 ms + 80 x 0.1 ms = 10 ms";
}

TEST_F(TokenBudgetTest, PromptsGetOnWhateverTheTarget) {
  teach(timing);
  TokenBudget budget(timing, {1'000'000, 512, 2048});
  add_decoding(4);
  EXPECT_EQ(budget.tokens(scheduler), 20);
}

TEST_F(TokenBudgetTest, BeforeEnoughStepsWereSeenItIsTheStart) {
  TokenBudget budget(timing, {1'000'000, 300, 2048});
  add_decoding(2);
  EXPECT_EQ(budget.tokens(scheduler), 300);
}

}  // namespace
}  // namespace kilotoken
