#pragma once
// EngineMetrics: what the engine does, under vLLM's metric names (labels model_name and engine).

#include <memory>
#include <string>

#include "base/metrics.h"
#include "engine/run/engine.h"

namespace kilotoken {

class EngineMetrics final : public StepObserver {
 public:
  EngineMetrics(MetricsRegistry& metrics, const std::string& model_name);
  ~EngineMetrics() override;

  // Before the first request: histograms of token counts reach to the longest context.
  void model_loaded(int max_model_len);

  void on_begin(const Request& request, const ChoiceBegin& begin) override;
  void on_step(const StepPlan& plan, const StepResult& result) override;
  void on_token(const Request& request, int64_t since_previous_ns, bool first) override;
  void on_finish(const Request& request, const RequestTimes& times) override;

 private:
  struct Series;
  void observe_tokenizer(const Request& request, const RequestTimes& times);
  std::unique_ptr<Series> series_;
};

}  // namespace kilotoken
