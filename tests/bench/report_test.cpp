// The report in a browser: every plot is drawn, from data that the page carries.

#include <cstdlib>

#include "bench/null_process.h"
#include "measure/bench/report.h"
#include "measure/bench/sweep.h"

namespace kilotoken::bench::test {
namespace {

namespace fs = std::filesystem;

std::string browser() {
  for (const char* path : {"/usr/bin/chromium", "/usr/bin/chromium-headless-shell",
                           "/usr/lib/chromium/chromium-headless-shell"}) {
    if (fs::exists(path)) return path;
  }
  return "";
}

// Points drawn, by plot: the page says so once it has drawn them.
Json marks_of(const std::string& html) {
  char name[] = "/tmp/kilotoken-report-XXXXXX";
  const fs::path dir = mkdtemp(name);
  std::ofstream(dir / "report.html") << html;
  const std::string command =
      "HOME=" + dir.string() + " timeout 60 " + browser() +
      " --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --virtual-time-budget=5000"
      " --dump-dom file://" +
      (dir / "report.html").string() + " 2>/dev/null";
  std::string dom;
  std::FILE* pipe = popen(command.c_str(), "r");
  std::array<char, 65536> buffer;
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    dom.append(buffer.data(), got);
  }
  pclose(pipe);
  fs::remove_all(dir);
  const std::string key = "data-marks=\"";
  const size_t at = dom.find(key);
  if (at == dom.npos) return nullptr;
  std::string text = dom.substr(at + key.size(), dom.find('"', at + key.size()) - at - key.size());
  for (size_t quote = 0; (quote = text.find("&quot;")) != text.npos;) text.replace(quote, 6, "\"");
  return Json::parse(text);
}

// Before, during and after its one preemption, which the page sees in the longest gap.
int bars_of_decoding(const RequestRecord& record) {
  int64_t begin = record.first_ns, end = begin;
  for (size_t i = 1; i < record.chunks.size(); ++i) {
    const int64_t from = record.chunks[i - 1].at_ns, to = record.chunks[i].at_ns;
    if (to - from > end - begin) begin = from, end = to;
  }
  return (begin > record.first_ns) + (end > begin) + (record.last_ns > end);
}

TEST(Report, EveryPlotIsDrawn) {
  if (browser().empty()) GTEST_SKIP() << "no chromium: apt-get install chromium-headless-shell";
  const NullProcess server({"--ttft-ms", "5", "--itl-ms", "2"});
  ServeBenchOptions options = small_load(server, 20, 6);
  options.arrivals.rate = 50;
  options.summary.slos = parse_slos({"ttft:100000"}).value();
  Measured run = measured(options);
  // As our own server tells of a request that it preempted once.
  for (RequestRecord& record : run.run.records) {
    const double before_ms = ttft_ms(record, false);
    record.server = {.tokenize_ms = before_ms / 8,
                     .queue_ms = before_ms / 4,
                     .prefill_ms = before_ms / 2,
                     .decode_ms = 10,
                     .preemptions = 1,
                     .preempted_ms = 2};
  }
  const std::string requests = detail_jsonl(run.run, {"all"}, run.judged_by);
  const Json marks = marks_of(report_html(run.json, requests).value());
  ASSERT_TRUE(marks.is_object()) << "the page's script did not come to its end";
  // A busy machine may read events together: what took no time has no bar.
  int decoded = 0, bars = 0;
  for (const RequestRecord& record : run.run.records) {
    decoded += record.last_ns > record.first_ns;
    bars += 4 + bars_of_decoding(record);  // waiting, tokenising, queue, prefill
  }
  EXPECT_EQ(marks.at("cdf-ttft"), 40);
  EXPECT_EQ(marks.at("cdf-e2el"), 40);
  EXPECT_EQ(marks.at("timeline"), bars);
  EXPECT_EQ(marks.at("cdf-tpot"), decoded);
  EXPECT_EQ(marks.at("prompt"), 20);
  EXPECT_EQ(marks.at("itl"), 100);
  EXPECT_EQ(marks.at("run-load"), 40);
  for (const char* plot : {"series", "lengths", "chunks", "run-good", "run-pareto"})
    EXPECT_GT(marks.at(plot), 0) << plot;
}

TEST(Report, ASweepShowsItsCurves) {
  if (browser().empty()) GTEST_SKIP() << "no chromium: apt-get install chromium-headless-shell";
  const NullProcess server({"--ttft-ms", "5", "--itl-ms", "2"});
  ServeBenchOptions options = small_load(server, 6, 4);
  std::vector<SweepPoint> points;
  for (const double rate : {20.0, 40.0}) {
    options.arrivals.rate = rate;
    points.push_back(point_of(rate, measured(options)));
  }
  const auto knee = find_knee(points, false);
  const Json marks = marks_of(report_html(sweep_json(points, knee), "").value());
  ASSERT_TRUE(marks.is_object());
  EXPECT_GE(marks.at("load"), 4);
  EXPECT_EQ(marks.at("good"), 2);
  EXPECT_EQ(marks.at("pareto"), 2);
}

}  // namespace
}  // namespace kilotoken::bench::test
