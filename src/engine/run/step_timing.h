#pragma once
// StepTiming: the engine's steps, as they are computed, to a law of their time. Fed on the engine's
// thread, read on any.

#include <mutex>
#include <string>

#include "engine/run/step_observer.h"
#include "engine/step_time/step_time_fit.h"

namespace kilotoken {

StepWork work_of(const StepPlan& plan);

class StepTiming final : public StepObserver {
 public:
  void on_begin(const Request&, const ChoiceBegin&) override {}
  void on_step(const StepPlan& plan, const StepResult& result) override;
  void on_token(const Request&, int64_t, bool) override {}
  void on_finish(const Request&, const RequestTimes&) override {}

  struct Learned {
    bool ready = false;  // until then the law is a guess
    StepTimeLaw law;
    StepTimeFit::Error error;

    std::string describe() const;  // one line, for the log
  };
  Learned learned() const;

 private:
  mutable std::mutex mutex_;
  StepTimeFit fit_;  // guarded by mutex_
};

// Two observers of one engine.
class BothObservers final : public StepObserver {
 public:
  // `second` may be null.
  BothObservers(StepObserver& first, StepObserver* second) : first_(first), second_(second) {}

  void on_begin(const Request& request, const ChoiceBegin& begin) override {
    first_.on_begin(request, begin);
    if (second_) second_->on_begin(request, begin);
  }
  void on_step(const StepPlan& plan, const StepResult& result) override {
    first_.on_step(plan, result);
    if (second_) second_->on_step(plan, result);
  }
  void on_token(const Request& request, int64_t since_previous_ns, bool is_first) override {
    first_.on_token(request, since_previous_ns, is_first);
    if (second_) second_->on_token(request, since_previous_ns, is_first);
  }
  void on_finish(const Request& request, const RequestTimes& times) override {
    first_.on_finish(request, times);
    if (second_) second_->on_finish(request, times);
  }

 private:
  StepObserver& first_;
  StepObserver* const second_;
};

}  // namespace kilotoken
