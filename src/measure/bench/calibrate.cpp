#include "measure/bench/calibrate.h"

#include <algorithm>

#include "measure/bench/null_child.h"
#include "measure/bench/print.h"
#include "measure/bench/serve_bench.h"

namespace kilotoken::bench {
namespace {

struct Load {
  const char* itl_ms;
  size_t requests;
  int tokens, concurrency;
};

Result<Measured> run(const Load& load, int threads, const Clock& clock,
                     const std::atomic<bool>& stop) {
  KT_TRY(const std::unique_ptr<NullChild> server, NullChild::start({"--itl-ms", load.itl_ms}));
  ServeBenchOptions options;
  options.base_url = server->url();
  options.data.count = load.requests;
  options.data.random_input_len = 16;
  options.data.random_output_len = load.tokens;
  options.load.max_concurrency = load.concurrency;
  options.load.threads = threads;
  options.progress = false;
  KT_TRY(ServeBench bench, ServeBench::prepare(std::move(options), clock));
  return bench.measure(stop);
}

double cpu_s(const Measured& measured) { return std::max(measured.run.health.cpu_s(), 1e-9); }

}  // namespace

Result<Calibration> calibrate(int threads, const Clock& clock, const std::atomic<bool>& stop) {
  Calibration result;
  KT_TRY(const Measured fast, run({"0", 64, 2000, 16}, threads, clock, stop));
  const auto events = static_cast<double>(fast.run.health.events);
  result.events_per_s = events / fast.summary.duration_s;
  result.events_per_core_s = events / cpu_s(fast);
  KT_TRY(const Measured small, run({"0", 4000, 1, 32}, threads, clock, stop));
  result.requests_per_s = small.summary.request_throughput;
  KT_TRY(const Measured paced, run({"20", 128, 100, 64}, threads, clock, stop));
  const auto paced_events = static_cast<double>(paced.run.health.events);
  result.paced_events_per_s = paced_events / paced.summary.duration_s;
  result.paced_cpu_per_1000 = cpu_s(paced) / paced_events * 1000;
  result.paced_late_p99_ms = distribution_of(paced.run.health.late_ms, {99}).at(99);
  return result;
}

std::string calibration_text(const Calibration& c) {
  return printed(
      "client against the null server, both on this machine:\n"
      "  at full speed       %10.0f events/s, %.0f for each second of its processor\n"
      "  requests of a token %10.0f requests/s\n"
      "  paced               %10.0f events/s, %.2f %% of a core for 1,000 events/s, its "
      "beat %.2f ms late at P99\n",
      c.events_per_s, c.events_per_core_s, c.requests_per_s, c.paced_events_per_s,
      c.paced_cpu_per_1000 * 100, c.paced_late_p99_ms);
}

OrderedJson calibration_json(const Calibration& c) {
  return {{"schema", "bench-calibration/1"},
          {"events_per_s", c.events_per_s},
          {"events_per_core_s", c.events_per_core_s},
          {"requests_per_s", c.requests_per_s},
          {"paced_events_per_s", c.paced_events_per_s},
          {"paced_core_share_per_1000_events_per_s", c.paced_cpu_per_1000},
          {"paced_late_p99_ms", c.paced_late_p99_ms}};
}

}  // namespace kilotoken::bench
