#include "engine/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace kilotoken {
namespace {

std::unique_ptr<Sequence> sequence_of(SequenceId id, int prompt_tokens) {
  auto request = std::make_shared<Request>();
  request->id = id;
  request->prompt.assign(static_cast<size_t>(prompt_tokens), 1);
  request->sampling.max_tokens = 1000;
  auto sequence = std::make_unique<Sequence>();
  sequence->id = id;
  sequence->length = prompt_tokens;
  sequence->request = request;
  return sequence;
}

const Row* row_of(const StepPlan& plan, SequenceId id) {
  const auto at = std::find_if(plan.rows.begin(), plan.rows.end(),
                               [&](const Row& row) { return row.sequence == id; });
  return at == plan.rows.end() ? nullptr : &*at;
}

TEST(Scheduler, CutsALongPromptIntoChunksOfTheBudget) {
  PagePool pool(8);
  Scheduler scheduler({4, 100, 64, false}, pool);
  scheduler.add(sequence_of(1, 250));
  std::vector<int> counts;
  for (int i = 0; i < 4; ++i) {
    const StepPlan plan = scheduler.plan();
    ASSERT_EQ(plan.rows.size(), 1u);
    counts.push_back(plan.rows[0].count);
    EXPECT_EQ(plan.rows[0].samples, i >= 2) << "only the last chunk and decodes sample";
  }
  EXPECT_EQ(counts, (std::vector<int>{100, 100, 50, 1}));
}

TEST(Scheduler, DecodesComeBeforePromptsInEveryStep) {
  PagePool pool(64);
  Scheduler scheduler({4, 65, 64, false}, pool);
  scheduler.add(sequence_of(1, 10));
  scheduler.plan();
  scheduler.add(sequence_of(2, 1000));
  for (int i = 0; i < 5; ++i) {
    const StepPlan plan = scheduler.plan();
    ASSERT_EQ(plan.rows.size(), 2u);
    EXPECT_EQ(plan.rows[0].sequence, 1u);
    EXPECT_EQ(plan.rows[0].count, 1);
    EXPECT_EQ(plan.rows[1].count, 64);
  }
}

TEST(Scheduler, AdmitsFirstComeFirstServedUpToTheLimit) {
  PagePool pool(64);
  Scheduler scheduler({2, 1000, 64, false}, pool);
  for (SequenceId id = 1; id <= 3; ++id) scheduler.add(sequence_of(id, 5));
  const StepPlan first = scheduler.plan();
  EXPECT_TRUE(row_of(first, 1) && row_of(first, 2));
  EXPECT_FALSE(row_of(first, 3));
  scheduler.remove(1);
  const StepPlan second = scheduler.plan();
  EXPECT_TRUE(row_of(second, 3));
  EXPECT_EQ(second.closed, (std::vector<SequenceId>{1}));
}

TEST(Scheduler, TheHeadOfTheQueueIsNotOvertakenForWantOfPages) {
  PagePool pool(3);
  Scheduler scheduler({4, 1000, 64, false}, pool);
  scheduler.add(sequence_of(1, 64 * 2));
  scheduler.add(sequence_of(2, 64 * 2));  // does not fit beside the first
  scheduler.add(sequence_of(3, 5));       // would, but came later
  const StepPlan plan = scheduler.plan();
  EXPECT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].sequence, 1u);
}

TEST(Scheduler, TheYoungestIsPreemptedAndStartsAnewWithAllItsTokens) {
  PagePool pool(2);
  Scheduler scheduler({2, 1000, 64, false}, pool);
  scheduler.add(sequence_of(1, 60));
  scheduler.add(sequence_of(2, 60));
  StepPlan plan = scheduler.plan();
  while (plan.preempted == 0) plan = scheduler.plan();  // the older one needs a second page
  EXPECT_EQ(plan.preempted, 1);
  ASSERT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].sequence, 1u);
  EXPECT_EQ(scheduler.waiting_count(), 1);
  scheduler.remove(1);
  const StepPlan again = scheduler.plan();
  const Row* row = row_of(again, 2);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->first, 0);
  EXPECT_EQ(row->count, 65) << "60 of the prompt and the 5 tokens it had sampled";
  EXPECT_TRUE(row->samples);
  EXPECT_TRUE(again.opened.empty()) << "the runner still has its slot";
}

TEST(Scheduler, APromptWhoseLogprobsAreWantedAsksForAllLogits) {
  PagePool pool(8);
  Scheduler scheduler({4, 100, 64, false}, pool);
  auto request = std::make_shared<Request>();
  request->prompt.assign(150, 1);
  request->sampling.prompt_logprobs = 0;
  auto sequence = sequence_of(1, 150);
  sequence->request = request;
  scheduler.add(std::move(sequence));
  EXPECT_EQ(scheduler.plan().rows[0].wants_logits, LogitsWanted::kAll);
  EXPECT_EQ(scheduler.plan().rows[0].wants_logits, LogitsWanted::kAll);
  EXPECT_EQ(scheduler.plan().rows[0].wants_logits, LogitsWanted::kLast);
}

TEST(Scheduler, WithoutAKvCacheEveryTokenIsComputedFromTheFirstOn) {
  PagePool pool(8);
  SchedulerConfig config{4, 100, 64, false};
  config.kv_cache = false;
  Scheduler scheduler(config, pool);
  scheduler.add(sequence_of(1, 90));
  scheduler.add(sequence_of(2, 30));
  std::map<SequenceId, int> sampled;
  for (int i = 0; i < 20; ++i) {
    const StepPlan plan = scheduler.plan();
    scheduler.check_integrity();
    for (const Row& row : plan.rows) {
      if (!row.samples) continue;
      const int length = (row.sequence == 1 ? 90 : 30) + sampled[row.sequence]++;
      EXPECT_EQ(row.first + row.count, length);
    }
  }
  EXPECT_GE(sampled[1], 10) << "121 tokens of work a pair, 100 a step";
  EXPECT_GE(sampled[2], 10) << "who waits longest comes first";
}

TEST(Scheduler, WithoutChunksAPromptGoesInOnePiece) {
  PagePool pool(64);
  SchedulerConfig config{4, 65, 64, false};
  config.chunked_prefill = false;
  Scheduler scheduler(config, pool);
  scheduler.add(sequence_of(1, 10));
  scheduler.plan();
  scheduler.add(sequence_of(2, 1000));
  scheduler.add(sequence_of(3, 60));
  const StepPlan plan = scheduler.plan();
  ASSERT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.rows[0].count, 1) << "decodes come first all the same";
  EXPECT_EQ(plan.rows[1].count, 1000);
  const StepPlan next = scheduler.plan();
  ASSERT_TRUE(row_of(next, 3));
  EXPECT_EQ(row_of(next, 3)->count, 60);
}

// Random arrivals and removals against a few pages: every invariant, every step, and everybody gets
// on.
TEST(Scheduler, KeepsItsInvariantsUnderRandomLoad) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](int low, int high) {
      return low + static_cast<int>(random() % static_cast<uint32_t>(high - low + 1));
    };
    PagePool pool(draw(6, 20));
    const SchedulerConfig config{draw(1, 6), draw(1, 200), 64, seed % 5 == 0};
    Scheduler scheduler(config, pool);
    std::map<SequenceId, int> wanted;  // outputs still to come
    std::map<SequenceId, int> computed;
    SequenceId next = 1;
    int steps = 0;
    while (next <= 40 || !wanted.empty()) {
      ASSERT_LT(++steps, 100000) << "seed " << seed << ": somebody starves";
      if (next <= 40 && draw(0, 3) == 0) {
        wanted[next] = draw(1, 60);
        scheduler.add(sequence_of(next, draw(1, 300)));
        ++next;
      }
      const StepPlan plan = scheduler.plan();
      scheduler.check_integrity();
      ASSERT_LE(plan.tokens(), config.max_num_batched_tokens);
      ASSERT_LE(scheduler.running_count(), config.max_num_seqs);
      std::map<SequenceId, int> rows;
      for (const Row& row : plan.rows) {
        ASSERT_EQ(++rows[row.sequence], 1);
        ASSERT_GE(row.pages.size() * 64, static_cast<size_t>(row.first + row.count));
        ASSERT_TRUE(row.first == 0 || row.first == computed[row.sequence]) << "a gap";
        computed[row.sequence] = row.first + row.count;
        const bool done = row.samples && --wanted.at(row.sequence) == 0;
        if (done || draw(0, 200) == 0) {
          scheduler.remove(row.sequence);
          wanted.erase(row.sequence);
        }
      }
    }
    scheduler.check_integrity();
    EXPECT_EQ(pool.used_count(), 0);
  }
}

}  // namespace
}  // namespace kilotoken
