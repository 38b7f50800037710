// Where the time went, of records made up for it.

#include "measure/bench/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace kilotoken::bench {
namespace {

constexpr int64_t kMs = 1'000'000;

RequestRecord record(int64_t start_ms, int64_t lag_ms, int64_t first_ms, int64_t gap_us, int gaps) {
  RequestRecord made;
  made.outcome = Outcome::kOk;
  made.ready_ns = start_ms * kMs;
  made.start_ns = made.ready_ns + lag_ms * kMs;
  made.first_ns = made.start_ns + first_ms * kMs;
  for (int i = 0; i <= gaps; ++i) made.chunks.push_back({made.first_ns + i * gap_us * 1000, 1});
  made.last_ns = made.chunks.back().at_ns;
  made.output_tokens = gaps + 1;
  return made;
}

// Groups of 1 to 8 requests that decode together, each step 10 ms and `per_row` for each of them.
LoadRun groups(int64_t fixed_us, int64_t per_row_us) {
  LoadRun run;
  for (int rows = 1; rows <= 8; ++rows) {
    for (int i = 0; i < rows; ++i) {
      run.records.push_back(record(rows * 100'000, 0, 5, fixed_us + rows * per_row_us, 20));
    }
  }
  return run;
}

TEST(Diagnosis, TakesDecodingApart) {
  const StepCost flat = step_cost_of(groups(10'000, 0));
  ASSERT_TRUE(flat.known);
  EXPECT_NEAR(flat.fixed_share(), 1, 1e-6);
  const StepCost both = step_cost_of(groups(10'000, 2'000));
  EXPECT_NEAR(both.fixed_ms, 10, 0.01);
  EXPECT_NEAR(both.per_row_ms, 2, 0.01);
  EXPECT_EQ(diagnose(groups(10'000, 0)).shares.front().first, "memory bandwidth");
  EXPECT_EQ(diagnose(groups(0, 2'000)).shares.front().first, "compute");
}

TEST(Diagnosis, NamesTheClientAndTheQueue) {
  LoadRun late;
  for (int i = 0; i < 10; ++i) late.records.push_back(record(i * 1000, 500, 5, 1000, 5));
  EXPECT_EQ(diagnose(late).shares.front().first, "client");
  LoadRun queued;
  for (int i = 0; i < 10; ++i) {
    queued.records.push_back(record(i * 1000, 0, 500, 1000, 5));
    queued.records.back().server = {.queue_ms = 490, .prefill_ms = 10, .decode_ms = 5};
  }
  EXPECT_EQ(diagnose(queued).shares.front().first, "queue");
  LoadRun preempted;
  for (int i = 0; i < 10; ++i) {
    preempted.records.push_back(record(i * 1000, 0, 5, 100'000, 8));
    preempted.records.back().server = {.queue_ms = 1, .preemptions = 1, .preempted_ms = 700};
  }
  const Diagnosis pages = diagnose(preempted);
  EXPECT_EQ(pages.shares.front().first, "queue");
  EXPECT_NEAR(pages.shares.front().second, 701.0 / 805, 1e-9);
  LoadRun split;
  for (int i = 0; i < 10; ++i) {
    split.records.push_back(record(i * 1000, 0, 500, 1000, 5));
    split.records.back().server = {.tokenize_ms = 450, .queue_ms = 20, .prefill_ms = 30};
  }
  EXPECT_EQ(diagnose(split).shares.front().first, "tokenising");
}

TEST(Diagnosis, SharesAddUpToAll) {
  LoadRun run = groups(10'000, 2'000);
  const auto sum = [&] {
    double all = 0;
    for (const auto& [name, share] : diagnose(run).shares) all += share;
    return all;
  };
  EXPECT_NEAR(sum(), 1, 1e-9);
  for (size_t i = 0; i < run.records.size(); ++i) {
    RequestRecord& each = run.records[i];
    each.start_ns += kMs / 2;  // late
    each.server = {.tokenize_ms = 0.5, .queue_ms = 1, .prefill_ms = 2, .decode_ms = 200};
    if (i % 5 == 0) each.server.preempted_ms = 7;
  }
  EXPECT_NEAR(sum(), 1, 1e-9);
  const Diagnosis told = diagnose(run);
  const auto transport =
      std::ranges::find(told.shares, "transport", [](const auto& share) { return share.first; });
  ASSERT_NE(transport, told.shares.end());
  // 5 ms to the first token, of which 4 are accounted for.
  double whole_ms = 0;
  for (const RequestRecord& each : run.records) {
    whole_ms += static_cast<double>(each.last_ns - each.ready_ns) * 1e-6;
  }
  EXPECT_NEAR(transport->second, static_cast<double>(run.records.size()) / whole_ms, 1e-9);
}

TEST(Diagnosis, OneConcurrencyTellsNothingApart) {
  LoadRun run;
  for (int i = 0; i < 100; ++i) run.records.push_back(record(i * 1000, 0, 5, 1000, 5));
  EXPECT_FALSE(step_cost_of(run).known);
  EXPECT_TRUE(diagnose(LoadRun{}).text.empty());
}

}  // namespace
}  // namespace kilotoken::bench
