// A clean run raises no doubt, and each doubt is raised by what it is about and by nothing less, in
// virtual time: the bytes, the parsers, the records, the sums and the judgement are those of a real
// run, the moments are worked out. What this cannot see is the client's own lateness on a real
// machine: that is what pitfalls_test.cpp is for.

#include <gtest/gtest.h>

#include <set>

#include "bench/virtual_run.h"

namespace kilotoken::bench::test {
namespace {

using Keys = std::vector<std::string>;

TEST(Clean, AClosedLoopRaisesNothingAndIsMeasuredExactly) {
  const VirtualRun clean = run_virtually({});
  EXPECT_EQ(clean.raised(), Keys());
  EXPECT_EQ(clean.badges.size(), 9u);
  EXPECT_EQ(clean.summary.completed, 700u);
  EXPECT_EQ(clean.summary.output_tokens, 2800);
  EXPECT_EQ(clean.summary.input_tokens, 700 * 1000);
  EXPECT_NEAR(clean.summary.ttft.mean, 60, 1e-9);
  EXPECT_NEAR(clean.summary.ttft.most, 60, 1e-9);
  EXPECT_NEAR(clean.summary.tpot.mean, 2, 1e-9);
  EXPECT_NEAR(clean.summary.itl.mean, 2, 1e-9);
  EXPECT_NEAR(clean.summary.e2el.mean, 66, 1e-9);
  EXPECT_EQ(clean.summary.max_concurrent, 32);
  // 22 rounds of 32 slots, the last of them not full.
  EXPECT_NEAR(clean.summary.duration_s, 22 * 0.066, 1e-9);
}

TEST(Clean, AScheduleThatIsKeptRaisesNothing) {
  const VirtualRun clean = run_virtually({}, {}, {.rate = 100});
  EXPECT_TRUE(clean.plan.open_loop);
  EXPECT_EQ(clean.raised(), Keys());
  EXPECT_NEAR(clean.summary.ttft_intended.most, 60, 1e-9);
}

// Either side of the limit that docs/bench.md states.
struct Limit {
  const char* what;
  VirtualServer within_server, beyond_server;
  VirtualClient within_client, beyond_client;
  VirtualLoad within_load, beyond_load;
  Keys raised;  // beyond it
};

std::vector<Limit> limits() {
  // 5 points more than the run itself repeats, which is about nothing.
  const auto known = static_cast<int64_t>(1000 * run_virtually({}).oracle_hit_rate);
  std::vector<Limit> all;
  const auto server = [&](const char* what, VirtualServer within, VirtualServer beyond,
                          Keys raised) {
    all.push_back({what, within, beyond, {}, {}, {}, {}, std::move(raised)});
  };
  const auto client = [&](const char* what, VirtualClient within, VirtualClient beyond, Keys raised,
                          VirtualLoad load) {
    all.push_back({what, {}, {}, within, beyond, load, load, std::move(raised)});
  };
  client("sends that are late", {.lag_ms = 4.9}, {.lag_ms = 5.1}, {"client_bound", "omission_gap"},
         {.rate = 100});
  client("a late beat", {.beat_late_ms = 4.9}, {.beat_late_ms = 5.1}, {"client_bound"}, {});
  client("a busy thread", {.busy = 0.79}, {.busy = 0.81}, {"client_bound"}, {});
  // 15 requests a second are what one slot can do.
  client("a schedule that the server holds up", {.slots = 2}, {.slots = 1}, {"omission_gap"},
         {.rate = 20});
  server("a cache that knows the prompts", {.cached_tokens = known + 49},
         {.cached_tokens = known + 52}, {"warm_cache"});
  server("a server that gets slower", {.slower = 1.24}, {.slower = 1.26}, {"drift"});
  server("a cold start", {.cold_requests = 32, .cold_ms = 29}, {.cold_requests = 32, .cold_ms = 31},
         {"cold_start"});
  server("a request that fails", {}, {.refused = 1}, {"failures"});
  server("a count that cannot be", {}, {.miscounted = 1}, {"token_mismatch"});
  server("events of two tokens", {}, {.tokens_per_event = 2}, {"coarse_chunks"});
  all.push_back({"few samples", {}, {}, {}, {}, {.count = 662}, {.count = 661}, {"few_samples"}});
  return all;
}

TEST(Clean, EachDoubtIsRaisedBeyondItsLimitAndNotWithinIt) {
  std::set<std::string> seen;
  for (const Limit& limit : limits()) {
    const VirtualRun within =
        run_virtually(limit.within_server, limit.within_client, limit.within_load);
    EXPECT_EQ(within.raised(), Keys()) << "within the limit: " << limit.what;
    const VirtualRun beyond =
        run_virtually(limit.beyond_server, limit.beyond_client, limit.beyond_load);
    EXPECT_EQ(beyond.raised(), limit.raised) << "beyond the limit: " << limit.what;
    seen.insert(limit.raised.begin(), limit.raised.end());
  }
  EXPECT_EQ(seen.size(), run_virtually({}).badges.size()) << "every doubt has its case";
}

}  // namespace
}  // namespace kilotoken::bench::test
