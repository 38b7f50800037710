// The ways in which load generators are known to mislead, each on a null server whose times are
// logged by its own clock: what is reported is held against that, never against a wall time.

#include <sys/resource.h>

#include <cmath>
#include <set>
#include <thread>

#include "bench/null_process.h"

namespace kilotoken::bench::test {
namespace {

// The share of the run in which a client thread could have run and was not let.
double starved_share(const Measured& measured) {
  double most = 0;
  for (const ThreadHealth& thread : measured.run.health.threads) {
    most = std::max(most, thread.queued_s / thread.wall_s);
  }
  return most;
}

bool machine_is_busy(const Measured& measured) { return starved_share(measured) > 0.02; }

double ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

TEST(Pitfalls, ACleanRunRaisesNothingAndSaysWhatTheServerDid) {
  const NullProcess server({"--ttft-ms", "60", "--itl-ms", "2"});
  ServeBenchOptions options = small_load(server, 700, 4);
  options.load.max_concurrency = 32;
  const Measured run = measured(options);
  const auto truth = server.truth();
  ASSERT_EQ(truth.size(), 700u);
  double ttft = 0, tpot = 0;
  for (const auto& [index, t] : truth) {
    ttft += ms(t.first_ns - t.received_ns) / 700;
    tpot += ms(t.last_ns - t.first_ns) / 3 / 700;
  }
  EXPECT_EQ(run.summary.completed, 700u);
  EXPECT_EQ(run.summary.output_tokens, 2800);
  // On a machine that others use a client may really be late, and says so: what is about time is
  // asked only if this one was let run. clean_test.cpp asks all of it, in virtual time.
  const bool busy = machine_is_busy(run);
  const std::set<std::string> about_time = {"client_bound", "drift", "cold_start"};
  for (const Badge& raised : run.badges) {
    if (busy && about_time.contains(raised.key)) continue;
    EXPECT_FALSE(raised.raised) << raised.key << ": " << raised.text;
  }
  if (busy) return;
  EXPECT_NEAR(run.summary.ttft.mean, ttft, 0.05 * ttft);
  EXPECT_NEAR(run.summary.tpot.mean, tpot, 0.05 * tpot);
}

TEST(Pitfalls, AStarvedClientIsFound) {
  const NullProcess server({"--ttft-ms", "20", "--itl-ms", "5"});
  std::atomic<bool> over{false};
  std::vector<std::thread> spinning;
  for (unsigned i = 0; i < 6 * std::thread::hardware_concurrency(); ++i) {
    spinning.emplace_back([&] {
      while (!over) {
      }
    });
  }
  ServeBenchOptions options = small_load(server, 40, 6);
  options.arrivals.rate = 40;
  Measured run;
  std::thread client([&] {
    ::setpriority(PRIO_PROCESS, 0, 19);  // of this thread and those it starts
    run = measured(options);
  });
  client.join();
  over = true;
  for (std::thread& thread : spinning) thread.join();
  EXPECT_TRUE(badge(run, "client_bound").raised) << badge(run, "client_bound").text;
}

// Requests that a stalled server keeps from being sent are late, whatever their own latency says.
TEST(Pitfalls, TheOmissionGapIsThatOfTheServersLog) {
  const NullProcess server({"--ttft-ms", "4", "--itl-ms", "1", "--max-running", "1",
                            "--stall-at-ms", "300", "--stall-ms", "2000"});
  ServeBenchOptions options = small_load(server, 60, 3);
  options.arrivals.rate = 20;
  options.arrivals.burstiness = std::numeric_limits<double>::infinity();
  options.load.max_concurrency = 1;
  const Measured run = measured(options);
  double gap = 0, longest = 0;
  const auto truth = server.truth();
  ASSERT_EQ(truth.size(), 60u);
  for (const RequestRecord& record : run.run.records) {
    const Truth& t = truth.at(record.index);
    gap += ms(t.received_ns - record.intended_ns) / 60;
    longest = std::max(longest, ms(t.first_ns - record.intended_ns));
  }
  EXPECT_GT(longest, 1900);
  EXPECT_NEAR(run.summary.ttft_intended.mean - run.summary.ttft.mean, gap, 0.05 * gap);
  EXPECT_NEAR(run.summary.ttft_intended.most, longest, 0.05 * longest);
  EXPECT_TRUE(badge(run, "omission_gap").raised);
}

TEST(Pitfalls, EventsAreNotTokens) {
  const NullProcess server({"--ttft-ms", "5", "--itl-ms", "8", "--tokens-per-event", "4"});
  const Measured run = measured(small_load(server, 20, 24));
  double tpot = 0, itl = 0;
  for (const auto& [index, t] : server.truth()) {
    tpot += ms(t.last_ns - t.first_ns) / 20 / 20;  // of the 20 tokens after the first event's
    itl += ms(t.last_ns - t.first_ns) / 5 / 20;
  }
  EXPECT_EQ(run.summary.output_tokens, 20 * 24);
  EXPECT_NEAR(run.summary.tokens_per_chunk, 4, 1e-9);
  EXPECT_NEAR(run.summary.tpot.mean, tpot, 0.1 * tpot);
  EXPECT_NEAR(run.summary.itl.mean, itl, 0.1 * itl);
  EXPECT_NEAR(run.summary.itl_token.mean, tpot, 0.1 * tpot);
  EXPECT_GT(run.summary.peak_output_per_s, 120);  // there were 120 events
  EXPECT_TRUE(badge(run, "coarse_chunks").raised);
}

// The flat keys are what vLLM's formulas give for the same records.
TEST(Pitfalls, TheNamesMeanWhatVllmMeans) {
  const NullProcess server({"--ttft-ms", "5", "--itl-ms", "2"});
  const Measured run = measured(small_load(server, 10, 9));
  double tpot = 0, gaps = 0, count = 0;
  for (const RequestRecord& record : run.run.records) {
    const double e2el = ms(record.last_ns - record.start_ns);
    tpot += (e2el - ms(record.first_ns - record.start_ns)) / (9 - 1) / 10;
    for (size_t i = 1; i < record.chunks.size(); ++i, ++count) {
      gaps += ms(record.chunks[i].at_ns - record.chunks[i - 1].at_ns);
    }
  }
  EXPECT_NEAR(run.json.at("mean_tpot_ms").get<double>(), tpot, 1e-6);
  EXPECT_NEAR(run.json.at("mean_itl_ms").get<double>(), gaps / count, 1e-6);
}

TEST(Pitfalls, ARoleIsNoToken) {
  const NullProcess server({"--ttft-ms", "150", "--role-event"});
  ServeBenchOptions options = small_load(server, 8, 3);
  options.backend = "openai-chat";
  const Measured run = measured(options);
  for (const RequestRecord& record : run.run.records) {
    const Truth t = server.truth().at(record.index);
    EXPECT_GE(record.first_ns, t.first_ns);  // one clock: no token is seen before it is written
    EXPECT_GE(ttft_ms(record, false), 150);
  }
}

TEST(Pitfalls, AWarmCacheIsFoundAndSaltAvoidsIt) {
  const NullProcess server({"--ttft-ms", "30", "--warm-ttft-ms", "2"});
  ServeBenchOptions options = small_load(server, 30, 3);
  options.load.max_concurrency = 8;
  options.salt = 1;
  EXPECT_FALSE(badge(measured(options), "warm_cache").raised);
  const Measured again = measured(options);
  EXPECT_TRUE(badge(again, "warm_cache").raised) << badge(again, "warm_cache").text;
  options.salt.reset();
  const Measured salted = measured(options);
  EXPECT_FALSE(badge(salted, "warm_cache").raised) << badge(salted, "warm_cache").text;
}

TEST(Pitfalls, AColdStartIsFoundAndWarmUpsAvoidIt) {
  for (const int warmups : {0, 4}) {
    const NullProcess server({"--ttft-ms", "20", "--cold-requests", "4", "--cold-ms", "200"});
    ServeBenchOptions options = small_load(server, 60, 3);
    options.load.max_concurrency = 4;
    options.warmups = warmups;
    const Measured run = measured(options);
    // Real slowness may come at any time.
    if (warmups > 0 && machine_is_busy(run)) continue;
    EXPECT_EQ(badge(run, "cold_start").raised, warmups == 0) << badge(run, "cold_start").text;
  }
}

TEST(Pitfalls, ADriftingServerIsFound) {
  const NullProcess server({"--ttft-ms", "30", "--drift", "3"});
  ServeBenchOptions options = small_load(server, 90, 3);
  options.load.max_concurrency = 4;
  EXPECT_TRUE(badge(measured(options), "drift").raised);
}

TEST(Pitfalls, ARefusingServerGetsNoFaster) {
  const NullProcess server(
      {"--ttft-ms", "5", "--null-fault", "http_429", "--null-fault-every", "2"});
  ServeBenchOptions options = small_load(server, 20, 3);
  options.summary.slos = parse_slos({"ttft:10000"}).value();
  const Measured run = measured(options);
  EXPECT_EQ(run.summary.completed, 10u);
  EXPECT_TRUE(std::isinf(run.summary.ttft_adjusted.at(95)));
  EXPECT_TRUE(std::isfinite(run.summary.ttft.at(95)));
  EXPECT_DOUBLE_EQ(run.summary.goodput.share_of_issued, 0.5);
  EXPECT_TRUE(badge(run, "failures").raised);
  EXPECT_EQ(run.summary.errors.at("http_429").count, 10u);
}

TEST(Pitfalls, WrongCountsAreFound) {
  const NullProcess server({"--ttft-ms", "2", "--null-fault", "wrong_usage"});
  const Measured run = measured(small_load(server, 5, 8));
  EXPECT_TRUE(badge(run, "token_mismatch").raised) << badge(run, "token_mismatch").text;
  const NullProcess silent({"--ttft-ms", "2", "--null-fault", "no_usage"});
  const Measured uncounted = measured(small_load(silent, 5, 8));
  EXPECT_TRUE(badge(uncounted, "token_mismatch").raised);
  EXPECT_EQ(uncounted.summary.output_tokens, 40);  // an event each
}

}  // namespace
}  // namespace kilotoken::bench::test
