// Verdicts, knees, and the page that holds its data.

#include "measure/bench/compare.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "measure/bench/report.h"
#include "measure/bench/sweep.h"

namespace kilotoken::bench {
namespace {

std::vector<OrderedJson> runs(const std::vector<double>& throughput, double ttft) {
  std::vector<OrderedJson> all;
  for (const double value : throughput) {
    all.push_back({{"request_throughput", value}, {"median_ttft_ms", ttft + value / 1000}});
  }
  return all;
}

Verdict verdict_of(const std::vector<Comparison>& all, const std::string& metric) {
  for (const Comparison& c : all) {
    if (c.metric == metric) return c.verdict;
  }
  ADD_FAILURE() << "no " << metric;
  return Verdict::kNotSeparable;
}

TEST(Compare, SeparatesWhatDiffersAndNothingElse) {
  const auto slow = runs({10, 11, 12, 13, 14}, 100), fast = runs({20, 21, 22, 23, 24}, 50);
  EXPECT_EQ(verdict_of(compare(slow, fast), "request_throughput"), Verdict::kBetter);
  EXPECT_EQ(verdict_of(compare(slow, fast), "median_ttft_ms"), Verdict::kBetter);
  EXPECT_EQ(verdict_of(compare(fast, slow), "median_ttft_ms"), Verdict::kWorse);
  const auto mixed = runs({10.5, 11.5, 12.5, 9, 13.5}, 100);
  EXPECT_EQ(verdict_of(compare(slow, mixed), "request_throughput"), Verdict::kNotSeparable);
}

TEST(Compare, ThreeRunsEachCannotDiffer) {
  const auto a = runs({1, 2, 3}, 1), b = runs({100, 200, 300}, 9);
  EXPECT_EQ(verdict_of(compare(a, b), "request_throughput"), Verdict::kNotSeparable);
  EXPECT_NE(comparison_text("a", "b", compare(a, b)).find("four each"), std::string::npos);
}

SweepPoint at(double rate, double achieved, double ttft, double good = 1) {
  SweepPoint point;
  point.rate = rate;
  point.achieved = achieved;
  point.p95_ttft_ms = ttft;
  point.good_share = good;
  return point;
}

TEST(Sweep, TheKneeIsTheLastRateThatIsKeptUpWith) {
  std::vector<SweepPoint> points = {at(8, 5, 900), at(1, 1, 20), at(2, 1.98, 25), at(4, 3.9, 40)};
  EXPECT_EQ(find_knee(points, false), std::optional<double>(4));
  EXPECT_FALSE(points.back().keeps_up);
  points = {at(1, 0.5, 20)};
  EXPECT_EQ(find_knee(points, false), std::nullopt);
  points = {at(1, 1, 20, 0.95), at(2, 2, 500, 0.5)};
  EXPECT_EQ(find_knee(points, true), std::optional<double>(1));
}

TEST(Report, DataCannotEndItsElement) {
  const auto html = report_html({{"label", "</script><script>alert(1)</script><!--"}}, "");
  ASSERT_TRUE(html.ok()) << html.error().message;
  EXPECT_EQ(html->find("alert(1)</script>"), std::string::npos);
  EXPECT_EQ(html->find("src=\"http"), std::string::npos);  // nothing from the network
  EXPECT_NE(html->find("default-src 'none'"), std::string::npos);
}

// A server that can do 11.3 requests a second.
TEST(Sweep, TheSearchGoesBetweenTheLastGoodAndTheFirstBadRate) {
  for (const double first : {0.7, 1.0, 100.0}) {
    std::vector<SweepPoint> points;
    std::optional<double> knee;
    while (const auto rate = next_rate(points, first)) {
      SweepPoint point;
      point.rate = point.achieved = *rate;
      point.good_share = *rate <= 11.3 ? 1 : 0.5;
      points.push_back(point);
      knee = find_knee(points, true);
    }
    ASSERT_TRUE(knee);
    EXPECT_LE(*knee, 11.3);
    EXPECT_GT(*knee * 1.1, 11.3);
    EXPECT_LT(points.size(), 14u);
  }
  std::vector<SweepPoint> never;
  while (const auto rate = next_rate(never, 1)) {
    never.emplace_back().rate = *rate;
    EXPECT_EQ(find_knee(never, true), std::nullopt);
  }
  EXPECT_EQ(never.size(), 7u);  // down to a 64th
}

TEST(Compare, ReadsOneResultAListOrLines) {
  const auto path = std::filesystem::temp_directory_path() / "kilotoken_results_test.json";
  const std::string run = R"({"request_throughput": 2})";
  for (const auto& [text, count] : std::map<std::string, size_t>{
           {run, 1}, {"[" + run + ",\n" + run + "]", 2}, {run + "\n\n" + run + "\n" + run, 3}}) {
    std::ofstream(path) << text;
    EXPECT_EQ(read_results(path.string()).value().size(), count) << text;
  }
  for (const char* text : {"", "[]", "{}", "{\"request_throughput\": 1}\n{oops"}) {
    std::ofstream(path) << text;
    EXPECT_FALSE(read_results(path.string()).ok()) << text;
  }
  std::filesystem::remove(path);
}

TEST(Compare, RepeatsAreShownWithTheirSpread) {
  std::vector<OrderedJson> runs;
  for (const double value : {5.0, 1.0, 3.0}) runs.push_back({{"output_throughput", value}});
  const std::string three = repeats_text(runs);
  EXPECT_NE(three.find("3.000          1.000          5.000  needs six runs"), three.npos) << three;
  for (const double value : {2.0, 4.0, 6.0}) runs.push_back({{"output_throughput", value}});
  EXPECT_NE(repeats_text(runs).find("[1.000, 6.000]"), std::string::npos) << repeats_text(runs);
}

}  // namespace
}  // namespace kilotoken::bench
