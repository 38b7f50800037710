#pragma once
// EngineGauges: what is read at the moment of a scrape rather than counted as it happens: the
// engine's load and the process's own use.

#include <mutex>
#include <string>

#include "base/metrics.h"
#include "serve/load/served_model.h"

namespace kilotoken {

class EngineGauges {
 public:
  EngineGauges(MetricsRegistry& metrics, const std::string& model_name, ServedModel& model);
  void update();  // any thread

 private:
  ServedModel& model_;
  Gauge& running_;
  Gauge& waiting_;
  Gauge& waiting_for_room_;
  Gauge& kv_usage_;
  Gauge& token_budget_;
  Gauge& predicted_steps_;
  Gauge& median_error_;
  Gauge& p95_error_;
  Gauge& mean_error_;
  Gauge& resident_bytes_;
  Gauge& peak_resident_bytes_;
  Gauge& open_files_;
  std::mutex mutex_;  // of the counter, which knows only differences
  Counter& cpu_seconds_;
};

}  // namespace kilotoken
