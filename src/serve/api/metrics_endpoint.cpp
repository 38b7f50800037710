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

}  // namespace

EngineGauges::EngineGauges(MetricsRegistry& metrics, const std::string& model_name,
                           ServedModel& model)
    : model_(model),
      running_(metrics.gauge("vllm:num_requests_running", "Sequences in the running batch.",
                             {{"model_name", model_name}, {"engine", "0"}})),
      waiting_(metrics.gauge("vllm:num_requests_waiting", "Sequences that wait to run.",
                             {{"model_name", model_name}, {"engine", "0"}})),
      kv_usage_(metrics.gauge("vllm:kv_cache_usage_perc",
                              "Share of KV pages in use; 1 is all of them.",
                              {{"model_name", model_name}, {"engine", "0"}})),
      resident_bytes_(metrics.gauge("process_resident_memory_bytes", "Resident memory.")),
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
              {"enable_prefix_caching", "False"}})
      .set(1);
}

void EngineGauges::update() {
  const EngineThread::Load load = model_.engine().load();
  running_.set(load.running);
  waiting_.set(load.waiting);
  kv_usage_.set(static_cast<double>(load.pages_used) / std::max(1, load.page_count));
  resident_bytes_.set(static_cast<double>(resident_bytes()));
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
