// GET /metrics: the registry as text, the gauges read anew.

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "serve/api/engine_gauges.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double open_file_count() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return static_cast<double>(std::distance(begin(files), end(files)));
}

Gauge& waiting_by(MetricsRegistry& metrics, const std::string& model_name, const char* reason) {
  return metrics.gauge("vllm:num_requests_waiting_by_reason", "Sequences that wait, by reason.",
                       {{"model_name", model_name}, {"engine", "0"}, {"reason", reason}});
}

Gauge& step_time_error(MetricsRegistry& metrics, const std::string& model_name,
                       const char* statistic) {
  return metrics.gauge("kilotoken:step_time_error_" + std::string(statistic) + "_ratio",
                       "How far predicted step times are off, as a share of the measured ones: "
                       "median and 95th percentile of the last steps, mean of all.",
                       {{"model_name", model_name}, {"engine", "0"}});
}

}  // namespace

EngineGauges::EngineGauges(MetricsRegistry& metrics, const std::string& model_name,
                           ServedModel& model)
    : model_(model),
      running_(metrics.gauge("vllm:num_requests_running", "Sequences in the running batch.",
                             {{"model_name", model_name}, {"engine", "0"}})),
      waiting_(metrics.gauge("vllm:num_requests_waiting", "Sequences that wait to run.",
                             {{"model_name", model_name}, {"engine", "0"}})),
      waiting_for_room_(waiting_by(metrics, model_name, "capacity")),
      kv_usage_(metrics.gauge("vllm:kv_cache_usage_perc",
                              "Share of KV pages in use; 1 is all of them.",
                              {{"model_name", model_name}, {"engine", "0"}})),
      token_budget_(metrics.gauge("kilotoken:token_budget", "Tokens that a step may compute.",
                                  {{"model_name", model_name}, {"engine", "0"}})),
      predicted_steps_(metrics.gauge("kilotoken:step_time_predicted_steps",
                                     "Steps whose time was predicted before they were computed.",
                                     {{"model_name", model_name}, {"engine", "0"}})),
      median_error_(step_time_error(metrics, model_name, "median")),
      p95_error_(step_time_error(metrics, model_name, "p95")),
      mean_error_(step_time_error(metrics, model_name, "mean")),
      resident_bytes_(metrics.gauge("process_resident_memory_bytes", "Resident memory.")),
      peak_resident_bytes_(metrics.gauge("kilotoken:peak_resident_memory_bytes",
                                         "The most resident memory since the process began.")),
      open_files_(metrics.gauge("process_open_fds", "Open file descriptors.")),
      cpu_seconds_(metrics.counter("process_cpu_seconds_total", "User and system CPU time.")) {
  const KvCache& kv = model.kv();
  metrics
      .gauge("vllm:cache_config_info", "How KV pages are laid out.",
             {{"model_name", model_name},
              {"engine", "0"},
              {"block_size", std::to_string(kPageTokens)},
              {"num_gpu_blocks", std::to_string(kv.page_count())},
              {"num_cpu_blocks", "0"},
              {"cache_dtype", std::string(name_of(kv.spec().dtype))},
              {"enable_prefix_caching", model.prefix_caching() ? "True" : "False"}})
      .set(1);
  metrics.alias("vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc");
  waiting_by(metrics, model_name, "deferred").set(0);  // nothing here waits for anything but room
  for (const char* state : {"awake", "weights_offloaded", "discard_all"}) {
    metrics
        .gauge("vllm:engine_sleep_state", "1 for the state that the engine is in.",
               {{"model_name", model_name}, {"engine", "0"}, {"sleep_state", state}})
        .set(state == std::string_view("awake") ? 1 : 0);
  }
}

void EngineGauges::update() {
  const EngineThread::Load load = model_.engine().load();
  running_.set(load.running);
  waiting_.set(load.waiting);
  waiting_for_room_.set(load.waiting);
  token_budget_.set(load.token_budget);
  kv_usage_.set(static_cast<double>(load.pages_used) / std::max(1, load.page_count));
  const StepTimeFit::Error error = model_.step_timing().learned().error;
  predicted_steps_.set(static_cast<double>(error.steps));
  median_error_.set(error.median);
  p95_error_.set(error.p95);
  mean_error_.set(error.mean);
  resident_bytes_.set(static_cast<double>(resident_bytes()));
  peak_resident_bytes_.set(static_cast<double>(peak_resident_bytes()));
  open_files_.set(open_file_count());
  const std::lock_guard lock(mutex_);
  cpu_seconds_.add(std::max(0.0, cpu_seconds() - cpu_seconds_.value()));
}

void answer_metrics(ApiContext& context, const HttpRequest&, const WriterPtr& writer) {
  context.gauges.update();
  writer->send({200,
                {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}},
                context.metrics.expose()});
}

}  // namespace kilotoken
