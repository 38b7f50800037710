#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "engine/scheduler/scheduler.h"

namespace kilotoken {
namespace {

constexpr int kPage = 64;

// What the runner and the engine do with a plan, in numbers: each page remembers which tokens were
// written into it, and every row must find there exactly the tokens of its own sequence.
class World {
 public:
  World(int pages, const SchedulerConfig& config)
      : pool(pages), cache(pool, kPage), scheduler(config, pool, &cache) {
    pool.on_free([this](int32_t page) { written_.erase(page); });
  }

  void add(SequenceId id, std::vector<int32_t> prompt, const std::string& salt = {},
           int shared_tokens = 0) {
    auto request = std::make_shared<Request>();
    request->id = id;
    request->prompt = prompt;
    request->cache_salt = salt;
    request->shared_tokens = shared_tokens;
    request->sampling.max_tokens = 1000;
    auto sequence = std::make_unique<Sequence>();
    sequence->id = id;
    sequence->length = static_cast<int>(prompt.size());
    sequence->request = request;
    tokens_[id] = std::move(prompt);
    live_[id] = sequence.get();
    scheduler.add(std::move(sequence));
  }

  StepPlan step() {
    const StepPlan plan = scheduler.plan();
    scheduler.check_integrity();
    for (const StepPlan::Copy& copy : plan.copies) {
      const std::vector<int32_t> from = written_.at(copy.from);
      written_[copy.to].assign(from.begin(), from.begin() + copy.tokens);
      ++copies;
    }
    for (const Row& row : plan.rows) compute(row);
    for (const Row& row : plan.rows) {
      if (!row.samples) continue;
      sample(row.sequence);
      for (const SequenceId fork : row.forks) {
        EXPECT_EQ(tokens_.at(fork).size(), static_cast<size_t>(row.first + row.count));
        sample(fork);
      }
    }
    return plan;
  }

  void remove(SequenceId id) {
    live_.erase(id);
    scheduler.remove(id);
    scheduler.check_integrity();
  }

  bool lives(SequenceId id) const { return live_.contains(id); }
  const Sequence& sequence(SequenceId id) const { return *live_.at(id); }
  int64_t computed = 0;  // tokens, in all
  int copies = 0;        // of pages

  PagePool pool;
  PrefixCache cache;
  Scheduler scheduler;

 private:
  void sample(SequenceId id) {
    const auto token = static_cast<int32_t>((id * 7 + tokens_[id].size()) % 5);
    tokens_[id].push_back(token);
    live_.at(id)->output.push_back(token);
  }
  void compute(const Row& row) {
    const std::vector<int32_t>& tokens = tokens_.at(row.sequence);
    const auto place = [&](int i) -> int32_t& {
      auto& page = written_[row.pages.at(static_cast<size_t>(i / kPage))];
      page.resize(kPage, -1);
      return page[static_cast<size_t>(i % kPage)];
    };
    for (int i = row.first; i < row.first + row.count; ++i) {
      place(i) = tokens.at(static_cast<size_t>(i));
      ++computed;
    }
    for (int i = 0; i < row.first + row.count; ++i) {
      ASSERT_EQ(place(i), tokens[static_cast<size_t>(i)])
          << "sequence " << row.sequence << " reads another's token at " << i;
    }
  }

  std::map<int32_t, std::vector<int32_t>> written_;  // by page
  std::map<SequenceId, std::vector<int32_t>> tokens_;
  std::map<SequenceId, Sequence*> live_;
};

std::vector<int32_t> prompt(int count, int seed = 0) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back((i * 31 + seed) % 97);
  return tokens;
}

// The same but for its last token.
std::vector<int32_t> like_prompt(int count, int last) {
  std::vector<int32_t> tokens = prompt(count);
  tokens.back() = 97 + last;
  return tokens;
}

const Row* row_of(const StepPlan& plan, SequenceId id) {
  const auto at = std::ranges::find(plan.rows, id, &Row::sequence);
  return at == plan.rows.end() ? nullptr : &*at;
}

TEST(PrefixSharing, BeginsAfterThePagesThatAreThere) {
  World world(16, {4, 1000, kPage, false});
  world.add(1, prompt(200));
  world.step();
  world.remove(1);
  world.add(2, prompt(200));
  const StepPlan plan = world.step();
  ASSERT_TRUE(row_of(plan, 2));
  EXPECT_EQ(row_of(plan, 2)->first, 192);
  EXPECT_EQ(row_of(plan, 2)->count, 8);
  EXPECT_EQ(world.sequence(2).cached_tokens, 192);
}

TEST(PrefixSharing, LeavesOneTokenToCompute) {
  World world(16, {4, 1000, kPage, false});
  world.add(1, prompt(128));
  world.step();
  world.add(2, prompt(128));
  const StepPlan plan = world.step();
  EXPECT_EQ(row_of(plan, 2)->first, 64);
  EXPECT_EQ(row_of(plan, 2)->count, 64);
}

TEST(PrefixSharing, OutputIsFoundByTheNextTurn) {
  World world(16, {4, 1000, kPage, false});
  world.add(1, prompt(60));
  for (int i = 0; i < 70; ++i) world.step();
  std::vector<int32_t> next = prompt(60);
  const auto& output = world.sequence(1).output;
  next.insert(next.end(), output.begin(), output.end());
  world.remove(1);
  world.add(2, next);  // 130 tokens
  EXPECT_EQ(row_of(world.step(), 2)->first, 128);
}

TEST(PrefixSharing, WaitsForAPageThatAnotherComputes) {
  World world(32, {4, 100, kPage, false});
  world.add(1, prompt(250));
  world.step();
  world.step();  // 200 tokens: 3 pages
  world.add(2, like_prompt(250, 1));
  StepPlan plan = world.step();  // 50 for the first, which ends no page; the second has 3 pages
  EXPECT_EQ(row_of(plan, 2)->first, 192);

  World late(32, {4, 100, kPage, false});
  late.add(1, prompt(150));
  late.step();  // 100 tokens: page 0 is ready, page 1 begun
  late.add(2, like_prompt(150, 1));
  plan = late.step();
  EXPECT_EQ(row_of(plan, 1)->count, 50);
  EXPECT_FALSE(row_of(plan, 2)) << "page 1 is being computed in this step";
  EXPECT_EQ(late.scheduler.running_count(), 2);
  plan = late.step();
  EXPECT_EQ(row_of(plan, 2)->first, 128);
  EXPECT_EQ(late.sequence(2).cached_tokens, 128);
}

TEST(PrefixSharing, WhoWaitsGoesOnWhenTheOtherIsGone) {
  World world(32, {4, 100, kPage, false});
  world.add(1, prompt(190));
  world.step();
  world.add(2, like_prompt(190, 1));
  world.add(3, like_prompt(190, 2));
  world.remove(1);  // before its second page is done
  StepPlan plan = world.step();
  EXPECT_EQ(row_of(plan, 2)->first, 64);
  EXPECT_EQ(row_of(plan, 2)->count, 100);
  EXPECT_FALSE(row_of(plan, 3));
  plan = world.step();
  EXPECT_EQ(row_of(plan, 2)->count, 26);
  EXPECT_EQ(row_of(plan, 3)->first, 128);
}

TEST(PrefixSharing, APromiseIsTakenBackWithTheLastWhoWaitsForIt) {
  World world(32, {4, 100, kPage, false});
  world.add(1, prompt(70));
  world.add(2, prompt(140));  // waits for page 0, and promises page 1
  world.add(3, like_prompt(140, 1));
  world.step();
  EXPECT_EQ(world.cache.page_count(), 2);
  world.remove(2);
  EXPECT_EQ(world.cache.page_count(), 2) << "the third may still compute it";
  world.remove(3);
  EXPECT_EQ(world.cache.page_count(), 1);
}

TEST(PrefixSharing, ThoseWhoWaitedTogetherDoNotStarveThePromptBeforeThem) {
  World world(100, {100, 66, kPage, false});
  world.add(1, prompt(64));
  world.add(2, prompt(66));  // two tokens after the page of the first
  for (SequenceId id = 3; id < 73; ++id) {
    std::vector<int32_t> tokens = prompt(64);  // one token after it: a decode, as many as 70
    tokens.push_back(static_cast<int32_t>(id));
    world.add(id, tokens);
  }
  world.step();
  EXPECT_TRUE(row_of(world.step(), 2));
  EXPECT_TRUE(row_of(world.step(), 2));
}

TEST(PrefixSharing, SaltsAreApart) {
  World world(16, {4, 1000, kPage, false});
  world.add(1, prompt(130), "one");
  world.step();
  world.add(2, prompt(130), "another");
  EXPECT_EQ(row_of(world.step(), 2)->first, 0);
}

TEST(PrefixSharing, APromptIsComputedOnceForAHundred) {
  World world(256, {100, 512, kPage, false});
  for (SequenceId id = 1; id <= 100; ++id) world.add(id, prompt(1000));
  while (world.sequence(100).output.empty()) world.step();
  for (int i = 0; i < 3; ++i) world.step();
  int64_t decoded = 0;
  for (SequenceId id = 1; id <= 100; ++id) {
    decoded += static_cast<int64_t>(world.sequence(id).output.size()) - 1;
  }
  EXPECT_GT(decoded, 200);
  EXPECT_EQ(world.computed - decoded, 1000);
  EXPECT_EQ(world.copies, 100) << "everybody has copied the last page, to write on";
}

TEST(PrefixSharing, AThousandAtOnceWaitForOneThoughFewMayRun) {
  World world(64, {8, 512, kPage, false});
  for (SequenceId id = 1; id <= 1000; ++id) world.add(id, prompt(1000));
  EXPECT_EQ(world.scheduler.waiting_count(), 1000);
  while (world.sequence(1000).output.empty()) world.step();
  EXPECT_EQ(world.computed, 1000);
  EXPECT_EQ(world.scheduler.running_count(), 1);
  for (SequenceId id = 1000; id > 0; --id) world.remove(id);
  world.step();
  EXPECT_EQ(world.scheduler.pages_in_use(), 0);
  const Scheduler::PrefixCounts& counts = world.scheduler.prefix_counts();
  EXPECT_EQ(counts.queried_tokens, 1000 * 1000);
  EXPECT_EQ(counts.hit_tokens, 999 * 1000);
  EXPECT_EQ(counts.misses[static_cast<size_t>(PrefixMiss::kCold)], 1);
  EXPECT_EQ(counts.misses[static_cast<size_t>(PrefixMiss::kNone)], 999);
}

TEST(PrefixSharing, FollowersFindAnotherLeaderWhenTheirsGoes) {
  World world(64, {8, 100, kPage, false});
  for (SequenceId id = 1; id <= 4; ++id) world.add(id, prompt(190));
  world.step();
  world.remove(3);
  world.remove(1);
  StepPlan plan = world.step();
  EXPECT_EQ(row_of(plan, 2)->first, 64) << "what the first had done is there";
  plan = world.step();
  ASSERT_TRUE(row_of(plan, 2));
  EXPECT_EQ(row_of(plan, 2)->forks, std::vector<SequenceId>{4});
  world.step();
  EXPECT_EQ(world.sequence(4).output.size(), 2u);
}

TEST(PrefixSharing, AnIdenticalPromptLaterComputesOneToken) {
  World world(64, {8, 1000, kPage, false});
  world.add(1, prompt(200));
  world.add(2, prompt(200));
  world.step();
  world.add(3, prompt(200));
  const StepPlan plan = world.step();
  ASSERT_TRUE(row_of(plan, 3));
  EXPECT_EQ(row_of(plan, 3)->first, 199);
  EXPECT_EQ(world.sequence(3).miss, PrefixMiss::kNone);
}

TEST(PrefixSharing, WhoForkedAndWaitsGivesUpItsPagesWhenTheyAreShort) {
  World world(5, {1, 1000, kPage, false});
  for (SequenceId id = 1; id <= 3; ++id) world.add(id, prompt(100));
  for (int i = 0; i < 200; ++i) world.step();  // 300 tokens: all five pages
  EXPECT_EQ(world.sequence(1).output.size(), 200u);
  world.remove(1);
  for (int i = 0; i < 10; ++i) world.step();
  EXPECT_GT(world.sequence(2).output.size(), 5u);
}

TEST(PrefixSharing, SaysWhyAPromptWasNotFound) {
  World world(4, {4, 1000, kPage, false});
  const auto miss_of = [&](SequenceId id, std::vector<int32_t> tokens, const char* salt) {
    world.add(id, std::move(tokens), salt);
    world.step();
    const PrefixMiss miss = world.sequence(id).miss;
    world.remove(id);
    return miss;
  };
  EXPECT_EQ(miss_of(1, prompt(150), "one"), PrefixMiss::kCold);
  EXPECT_EQ(miss_of(2, prompt(150), "one"), PrefixMiss::kPartialPage);
  EXPECT_EQ(miss_of(3, prompt(129), "one"), PrefixMiss::kNone);
  EXPECT_EQ(miss_of(4, prompt(150), "another"), PrefixMiss::kSalt);
  EXPECT_EQ(miss_of(5, prompt(250, 7), "one"), PrefixMiss::kCold);  // takes all the pages
  EXPECT_EQ(miss_of(6, prompt(150), "one"), PrefixMiss::kEvicted);
  EXPECT_STREQ(name_of(PrefixMiss::kPartialPage), "partial_page");
}

TEST(PrefixSharing, WhatIsDeclaredSharedServesEverySalt) {
  World world(32, {4, 1000, kPage, false});
  world.add(1, prompt(250), "one", 140);
  world.step();
  world.add(2, prompt(250), "another", 140);
  const StepPlan plan = world.step();
  EXPECT_EQ(row_of(plan, 2)->first, 128) << "two whole pages of the 140 tokens";
  EXPECT_EQ(world.sequence(2).miss, PrefixMiss::kSalt);
  world.add(3, prompt(250), "one", 140);
  EXPECT_EQ(row_of(world.step(), 3)->first, 192);
}

TEST(PrefixSharing, CachedPagesGoBeforeRunningSequences) {
  World world(4, {4, 1000, kPage, false});
  world.add(1, prompt(190));
  world.step();
  world.remove(1);
  EXPECT_EQ(world.pool.used_count(), 2);
  world.add(2, prompt(200, 5));
  const StepPlan plan = world.step();
  EXPECT_EQ(plan.preempted, 0);
  EXPECT_EQ(row_of(plan, 2)->count, 200);
  EXPECT_GT(world.cache.evicted_pages(), 0);
}

TEST(PrefixSharing, PoisonIsNotFoundAgain) {
  World world(16, {4, 1000, kPage, false});
  world.add(1, prompt(130));
  world.step();
  world.scheduler.remove_poisoned(1);
  world.add(2, prompt(130));
  EXPECT_EQ(row_of(world.step(), 2)->first, 0);
}

// Many prompts that begin alike, few pages, random ends: nobody reads what is not his, everybody
// gets on, and every page comes back.
TEST(PrefixSharing, HoldsUnderRandomLoad) {
  int64_t cached = 0, evicted = 0, preempted = 0, waits = 0, forks = 0, copies = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&](int low, int high) {
      return low + static_cast<int>(random() % static_cast<uint32_t>(high - low + 1));
    };
    World world(draw(7, 40), {draw(1, 8), draw(1, 300), kPage, seed % 7 == 0});
    std::map<SequenceId, size_t> wanted;  // outputs
    SequenceId next = 1;
    for (int steps = 0; next <= 60 || !wanted.empty(); ++steps) {
      ASSERT_LT(steps, 100000) << "seed " << seed << ": somebody starves";
      if (next <= 60 && draw(0, 2) == 0) {
        const int length = draw(0, 1) == 0 ? draw(1, 300) : 128 + 42 * draw(0, 1);
        std::vector<int32_t> tokens = prompt(length, draw(0, 2));
        if (draw(0, 3) == 0) tokens.back() = 98;  // alike but for the end
        world.add(next, tokens, draw(0, 3) == 0 ? "salt" : "", draw(0, 2) * 70);
        wanted[next++] = static_cast<size_t>(draw(1, 70));
      }
      const StepPlan plan = world.step();
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed;
      preempted += plan.preempted;
      for (const Row& row : plan.rows) forks += static_cast<int64_t>(row.forks.size());
      waits += world.scheduler.running_count() - static_cast<int>(plan.rows.size());
      for (SequenceId id = 1; id < next; ++id) {
        if (!world.lives(id)) continue;
        const Sequence& sequence = world.sequence(id);
        if (sequence.output.size() < wanted.at(id) && draw(0, 400) > 0) continue;
        cached += sequence.cached_tokens;
        world.remove(id);
        wanted.erase(id);
      }
    }
    world.step();
    EXPECT_EQ(world.pool.used_count(), world.cache.page_count());
    evicted += world.cache.evicted_pages();
    copies += world.copies;
    world.cache.evict(world.pool.page_count());
    EXPECT_EQ(world.pool.used_count(), 0);
  }
  // Each mechanism was at work.
  EXPECT_GT(cached, 0);
  EXPECT_GT(evicted, 0);
  EXPECT_GT(preempted, 0);
  EXPECT_GT(waits, 0);
  EXPECT_GT(forks, 0);
  EXPECT_GT(copies, 0);
}

}  // namespace
}  // namespace kilotoken
