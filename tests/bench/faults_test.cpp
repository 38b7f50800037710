// Servers that misbehave: each fault ends in the class of its name, and the report stays sane.

#include <thread>

#include "bench/null_process.h"

namespace kilotoken::bench::test {
namespace {

struct Fault {
  const char* fault;
  Outcome outcome;
};
class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, EndsInItsClass) {
  const NullProcess server(
      {"--ttft-ms", "2", "--null-fault", GetParam().fault, "--null-fault-every", "2"});
  ServeBenchOptions options = small_load(server, 6, 8);
  options.load.max_concurrency = 2;
  const bool stalls = GetParam().outcome == Outcome::kStalled;
  options.load.stall_timeout_ns = stalls ? 700'000'000 : 20'000'000'000;
  const Measured run = measured(options);
  ASSERT_EQ(run.summary.issued, 6u);
  for (const RequestRecord& record : run.run.records) {
    if (record.ok()) continue;
    EXPECT_EQ(name_of(record.outcome), name_of(GetParam().outcome)) << record.error;
    EXPECT_FALSE(record.error.empty());
    EXPECT_EQ(record.error.find('\n'), std::string::npos);
  }
  // A kept connection that is reset before an answer may have been closed long before: its request
  // is sent again, once, and may be a lucky one then.
  EXPECT_GE(run.summary.completed, 3u);
  EXPECT_LE(run.summary.completed, 3u + static_cast<size_t>(run.run.health.resent));
  EXPECT_NE(run.text.find(name_of(GetParam().outcome)), std::string::npos);
  EXPECT_TRUE(badge(run, "failures").raised);
}

INSTANTIATE_TEST_SUITE_P(
    NullServer, Faults,
    testing::Values(Fault{"reset", Outcome::kClosedEarly},
                    Fault{"not_http", Outcome::kBrokenStream},
                    Fault{"http_500", Outcome::kServerError}, Fault{"http_429", Outcome::kTooMany},
                    Fault{"stall", Outcome::kStalled}, Fault{"broken_sse", Outcome::kBrokenStream},
                    Fault{"error_event", Outcome::kErrorEvent},
                    Fault{"close_early", Outcome::kClosedEarly},
                    Fault{"long_line", Outcome::kLineTooLong}, Fault{"empty", Outcome::kEmpty}),
    [](const auto& fault) { return std::string(fault.param.fault); });

TEST(Load, NoServerIsSaidAtOnce) {
  std::string url;
  {
    const NullProcess gone({});
    url = gone.url();
  }
  ServeBenchOptions options;
  options.base_url = url;
  options.ready_timeout_s = 0;
  const SystemClock clock;
  const auto bench = ServeBench::prepare(options, clock);
  ASSERT_FALSE(bench.ok());
  EXPECT_NE(bench.error().message.find("cannot connect"), std::string::npos);
}

TEST(Load, AStoppedRunKeepsWhatItMeasured) {
  const NullProcess server({"--ttft-ms", "30"});
  ServeBenchOptions options = small_load(server, 100'000, 3);
  options.load.max_concurrency = 4;
  static const SystemClock clock;
  Result<ServeBench> bench = ServeBench::prepare(options, clock);
  ASSERT_TRUE(bench.ok());
  std::atomic<bool> stop{false};
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop = true;
  });
  const Measured run = bench->measure(stop);
  later.join();
  EXPECT_TRUE(run.run.interrupted);
  EXPECT_TRUE(run.json.at("x").at("partial").get<bool>());
  EXPECT_GT(run.summary.completed, 0u);
  EXPECT_LT(run.summary.issued, 100'000u);
  EXPECT_NE(run.text.find("PARTIAL"), std::string::npos);
}

TEST(Load, AnOpenDoorLetsOnlySoManyIn) {
  const NullProcess server({"--ttft-ms", "400"});
  ServeBenchOptions options = small_load(server, 20, 3);
  options.arrivals.rate = 200;
  options.load.max_in_flight = 5;
  const Measured run = measured(options);
  EXPECT_EQ(run.summary.issued, 20u);
  EXPECT_GT(run.summary.errors.at("dropped").count, 0u);
  EXPECT_LE(run.summary.max_concurrent, 5);
}

}  // namespace
}  // namespace kilotoken::bench::test
