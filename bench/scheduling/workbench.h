#pragma once
// Workbench: an engine in this process, on a model or on a device that takes as long as a law says,
// and what came of each token when.

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/stats.h"
#include "engine/run/async_runner.h"
#include "engine/run/engine.h"
#include "engine/run/local_runner.h"
#include "engine/run/simulated_runner.h"
#include "engine/run/step_timing.h"

namespace kilotoken::bench {

struct Setup {
  Loop loop = Loop::kSequential;
  SchedulerConfig scheduler;
  bool prefix_cache = false;
  int threads = 1;
  int page_count = 0;
  StepTiming* timing = nullptr;  // learns from the steps, if there is one
};

// Computes the steps of a workbench.
class Device {
 public:
  virtual ~Device() = default;
  virtual const Clock& clock() const = 0;
  virtual Runner& runner() = 0;
};

Request make_request(RequestId id, int prompt_tokens, int output_tokens, int vocab);

class Workbench final : private StepObserver {
 public:
  Workbench(const Model& model, const Tokenizer* tokenizer, const Setup& setup);
  // The same engine on a simulated device; its clock is the device's.
  Workbench(const StepTimeLaw& law, int vocab, const Setup& setup);
  ~Workbench() override;

  void add(Request request);
  bool step();
  void run() {
    while (step()) {
    }
  }

  double elapsed_ms() const;  // since the first request came
  double computed_ms() const { return static_cast<double>(computed_ns_) * 1e-6; }  // of that
  int64_t steps() const { return steps_; }
  // Of one request: when each of its tokens came, since it was added.
  std::vector<double> token_ms(RequestId id) const;
  int64_t output_tokens() const { return output_tokens_; }
  int64_t wasted_rows() const { return wasted_rows_; }

 private:
  struct Times {
    int64_t added_ns = 0;
    std::vector<int64_t> token_ns;
  };
  class Sink;
  Workbench(std::unique_ptr<Device> device, const Tokenizer* tokenizer, const Setup& setup);
  void on_begin(const Request&, const ChoiceBegin&) override {}
  void on_step(const StepPlan& plan, const StepResult& result) override;
  void on_token(const Request&, int64_t, bool) override {}
  void on_finish(const Request&, const RequestTimes&) override {}

  const std::unique_ptr<Device> device_;
  PagePool pages_;
  std::optional<PrefixCache> cache_;
  StepTiming* const timing_;
  std::map<RequestId, Times> times_;
  std::optional<int64_t> first_ns_;
  int64_t last_ns_ = 0, output_tokens_ = 0, wasted_rows_ = 0;
  int64_t steps_ = 0, computed_ns_ = 0;
  size_t published_bytes_ = 0;
  std::unique_ptr<Engine> engine_;
};

}  // namespace kilotoken::bench
