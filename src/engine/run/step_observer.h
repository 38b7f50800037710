#pragma once
// StepObserver: sees each step and each finished request; implemented above the engine.

#include <cstdint>

#include "engine/run/output_sink.h"
#include "engine/run/runner.h"

namespace kilotoken {

// A choice begins to run.
struct ChoiceBegin {
  int choice = 0;
  int cached_tokens = 0;  // of its prompt, found in the prefix cache or in another's computation
  PrefixMiss miss = PrefixMiss::kNone;  // why not more
};

// Sees each step and each finished request; implemented above the engine (metrics, accounting).
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void on_begin(const Request& request, const ChoiceBegin& begin) = 0;
  virtual void on_step(const StepPlan& plan, const StepResult& result) = 0;
  virtual void on_token(const Request& request, int64_t since_previous_ns, bool first) = 0;
  virtual void on_finish(const Request& request, const RequestTimes& times) = 0;
};

}  // namespace kilotoken
