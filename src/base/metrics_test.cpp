#include "base/metrics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace kilotoken {
namespace {

TEST(Metrics, ExposesTheTextFormatExactly) {
  MetricsRegistry registry;
  const Labels labels = {{"model_name", "demo"}, {"engine", "0"}};
  registry.counter("vllm:prompt_tokens_total", "Prompt tokens.", labels).add(12);
  registry.gauge("up", "Line one\nback\\slash").set(0.25);
  Histogram& latency = registry.histogram("latency_seconds", "Latency.", {0.001, 1, 2.5}, labels);
  latency.observe(0.001);  // a bound belongs to its own bucket
  latency.observe(0.5);
  latency.observe(100);
  registry.counter("odd", "Odd labels.", {{"path", "a\\b\"c\nd"}}).add();
  EXPECT_EQ(registry.expose(),
            "# HELP vllm:prompt_tokens_total Prompt tokens.\n"
            "# TYPE vllm:prompt_tokens_total counter\n"
            "vllm:prompt_tokens_total{model_name=\"demo\",engine=\"0\"} 12\n"
            "# HELP up Line one\\nback\\\\slash\n"
            "# TYPE up gauge\n"
            "up 0.25\n"
            "# HELP latency_seconds Latency.\n"
            "# TYPE latency_seconds histogram\n"
            "latency_seconds_bucket{model_name=\"demo\",engine=\"0\",le=\"0.001\"} 1\n"
            "latency_seconds_bucket{model_name=\"demo\",engine=\"0\",le=\"1.0\"} 2\n"
            "latency_seconds_bucket{model_name=\"demo\",engine=\"0\",le=\"2.5\"} 2\n"
            "latency_seconds_bucket{model_name=\"demo\",engine=\"0\",le=\"+Inf\"} 3\n"
            "latency_seconds_count{model_name=\"demo\",engine=\"0\"} 3\n"
            "latency_seconds_sum{model_name=\"demo\",engine=\"0\"} 100.501\n"
            "# HELP odd Odd labels.\n"
            "# TYPE odd counter\n"
            "odd{path=\"a\\\\b\\\"c\\nd\"} 1\n");
}

TEST(Metrics, TheSameNameAndLabelsGiveTheSameSeries) {
  MetricsRegistry registry;
  Counter& stop = registry.counter("done_total", "Done.", {{"reason", "stop"}});
  Counter& length = registry.counter("done_total", "Done.", {{"reason", "length"}});
  EXPECT_NE(&stop, &length);
  EXPECT_EQ(&stop, &registry.counter("done_total", "Done.", {{"reason", "stop"}}));
  stop.add(3);
  EXPECT_EQ(registry.expose(),
            "# HELP done_total Done.\n# TYPE done_total counter\n"
            "done_total{reason=\"stop\"} 3\ndone_total{reason=\"length\"} 0\n");
}

TEST(MetricsDeathTest, ANameHasOneType) {
  MetricsRegistry registry;
  registry.counter("x", "X.");
  EXPECT_DEATH(registry.gauge("x", "X."), "counter against gauge");
  EXPECT_DEATH(registry.counter("x y", "X."), "metric name x y");
  EXPECT_DEATH(registry.histogram("h", "H.", {1, 1}), "bounds must rise");
}

TEST(Metrics, UpdatesFromManyThreadsAllCount) {
  MetricsRegistry registry;
  Counter& counter = registry.counter("c_total", "C.");
  Histogram& histogram = registry.histogram("h", "H.", {1, 2});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        counter.add();
        histogram.observe(i % 3);
        if (i % 1000 == 0) {
          EXPECT_FALSE(registry.expose().empty());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 20'000);
  EXPECT_EQ(histogram.count(), 20'000u);
  EXPECT_EQ(histogram.sum(), 4 * (1667 + 2 * 1666));
}

TEST(Metrics, AnOlderNameShowsTheSameSeries) {
  MetricsRegistry metrics;
  metrics.counter("new_total", "Things.", {{"a", "1"}}).add(2);
  metrics.alias("old_total", "new_total");
  metrics.counter("new_total", "Things.", {{"a", "2"}}).add(3);
  EXPECT_EQ(metrics.expose(),
            "# HELP new_total Things.\n# TYPE new_total counter\n"
            "new_total{a=\"1\"} 2\nnew_total{a=\"2\"} 3\n"
            "# HELP old_total Things.\n# TYPE old_total counter\n"
            "old_total{a=\"1\"} 2\nold_total{a=\"2\"} 3\n");
  EXPECT_DEATH(metrics.alias("older", "absent"), "not there");
}

}  // namespace
}  // namespace kilotoken
