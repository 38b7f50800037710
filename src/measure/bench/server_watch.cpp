#include "measure/bench/server_watch.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace kilotoken::bench {
namespace {

// Gauges shown over time.
constexpr std::pair<const char*, const char*> kSeries[] = {
    {"running", "vllm:num_requests_running"},
    {"waiting", "vllm:num_requests_waiting"},
    {"kv_use", "vllm:kv_cache_usage_perc"},
    {"resident_bytes", "process_resident_memory_bytes"},
};

// Gauges of which the last reading counts.
constexpr std::pair<const char*, const char*> kLast[] = {
    {"vm_hwm_bytes", "kilotoken:peak_resident_memory_bytes"},
    {"predicted_steps", "kilotoken:step_time_predicted_steps"},
    {"step_time_error_median", "kilotoken:step_time_error_median_ratio"},
    {"step_time_error_p95", "kilotoken:step_time_error_p95_ratio"},
};

// Counters of which the growth over the run counts.
constexpr std::pair<const char*, const char*> kGrowth[] = {
    {"preemptions", "vllm:num_preemptions_total"},
    {"prefix_queries", "vllm:prefix_cache_queries_total"},
    {"prefix_hits", "vllm:prefix_cache_hits_total"},
    {"cpu_s", "process_cpu_seconds_total"},
    {"steps", "vllm:iteration_tokens_total_count"},
    {"step_tokens", "vllm:iteration_tokens_total_sum"},
    {"compute_s", "kilotoken:step_compute_seconds_total"},
    {"step_rows", "kilotoken:step_rows_total"},
};

double value_of(const std::map<std::string, double>& values, const char* name, double fallback) {
  const auto found = values.find(name);
  return found == values.end() ? fallback : found->second;
}

}  // namespace

std::map<std::string, double> ServerWatch::parse(const std::string& exposition) {
  std::map<std::string, double> values;
  std::string_view rest = exposition;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (line.empty() || line[0] == '#') continue;
    const size_t name_end = line.find_first_of("{ ");
    const size_t space = line.rfind(' ');
    if (name_end == line.npos || space == line.npos) continue;
    values[std::string(line.substr(0, name_end))] +=
        std::strtod(std::string(line.substr(space + 1)).c_str(), nullptr);
  }
  return values;
}

ServerWatch::ServerWatch(std::shared_ptr<const ClientTarget> target, HttpHeaders headers,
                         int every_ms, const Clock& clock)
    : target_(std::move(target)), headers_(std::move(headers)), clock_(clock) {
  read();
  thread_ = std::thread([this, every_ms] {
    for (int waited = 0; !over_; waited += 20) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (waited < every_ms) continue;
      read();
      waited = 0;
    }
  });
}

ServerWatch::~ServerWatch() {
  over_ = true;
  if (thread_.joinable()) thread_.join();
}

void ServerWatch::read() {
  const auto answer = http_fetch(target_, "GET", "/metrics", headers_, "", 2000);
  if (answer.ok() && answer->status == 200) {
    ticks_.push_back({clock_.now_ns(), parse(answer->body)});
  }
}

void ServerWatch::stop(ServerView& view, int64_t begin_ns) {
  over_ = true;
  thread_.join();
  read();
  view.figures = OrderedJson::object();
  if (ticks_.size() < 2) return;
  for (const auto& [name, metric] : kSeries) {
    std::vector<double> values;
    for (const Tick& tick : ticks_) values.push_back(value_of(tick.values, metric, 0));
    view.figures[std::string("peak_") + name] = *std::max_element(values.begin(), values.end());
    view.series.emplace_back(name, std::move(values));
  }
  for (const Tick& tick : ticks_) {
    view.tick_s.push_back(static_cast<double>(tick.at_ns - begin_ns) * 1e-9);
  }
  const auto& first = ticks_.front().values;
  const auto& last = ticks_.back().values;
  const double wall_s = static_cast<double>(ticks_.back().at_ns - ticks_.front().at_ns) * 1e-9;
  view.figures["wall_s"] = wall_s;
  for (const auto& [name, metric] : kGrowth) {
    if (!last.contains(metric)) continue;
    view.figures[name] = value_of(last, metric, 0) - value_of(first, metric, 0);
  }
  for (const auto& [name, metric] : kLast) {
    if (last.contains(metric)) view.figures[name] = value_of(last, metric, 0);
  }
  const auto figure = [&](const char* name) { return view.figures.value(name, 0.0); };
  if (figure("steps") > 0) {
    view.figures["mean_step_tokens"] = figure("step_tokens") / figure("steps");
    if (view.figures.contains("step_rows")) {
      view.figures["mean_batch"] = figure("step_rows") / figure("steps");
    }
  }
  if (figure("prefix_queries") > 0) {
    view.figures["prefix_hit_rate"] = figure("prefix_hits") / figure("prefix_queries");
  }
  // Of the kernel pool: the time in which it computed a step, not the process's processor time.
  if (view.figures.contains("compute_s") && wall_s > 0) {
    view.figures["utilisation"] = figure("compute_s") / wall_s;
  }
}

}  // namespace kilotoken::bench
