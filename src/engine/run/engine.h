#pragma once
// Engine: owns requests; add, cancel, step. One thread calls it (see engine_thread.h). A step is
// plan, submit, wait, commit, publish; two loops put these in order (loop_sequential.cpp,
// loop_overlap.cpp).

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/run/engine_limits.h"
#include "engine/run/output_sink.h"
#include "engine/run/runner.h"
#include "engine/run/step_observer.h"
#include "engine/run/text_stream.h"
#include "engine/run/token_budget.h"
#include "engine/scheduler/scheduler.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

// Overlap: a step is planned and submitted before the one before it is waited for, committed and
// published. It needs a runner that computes meanwhile (AsyncRunner).
enum class Loop : uint8_t { kSequential, kOverlap };

class Engine {
 public:
  // `cache` may be null: nothing is shared then. So may `tokenizer`: prompts come as ids then and
  // deltas carry no text.
  Engine(const SchedulerConfig& config, PagePool& pool, PrefixCache* cache, Runner& runner,
         const Tokenizer* tokenizer, const Clock& clock, StepObserver* observer,
         Loop loop = Loop::kSequential);
  ~Engine();

  // From now on steps have the budget that it says; it must live as long.
  void follow(TokenBudget& budget) { budget_ = &budget; }

  // What limits() refuse, or an id that is in use, ends at once, with an error to its sink.
  void add(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink);
  // Unknown ids are ignored; the sink hears nothing more. What is being computed for it is wasted.
  void cancel(RequestId id);
  bool step();  // false: there was nothing to do, for now
  // After step() gave false: when there will be something without another call, if ever.
  std::optional<int64_t> wakes_at_ns() const { return scheduler_.wakes_at_ns(); }

  int running_count() const { return scheduler_.running_count(); }
  int waiting_count() const { return scheduler_.waiting_count(); }
  int pages_in_use() const { return scheduler_.pages_in_use(); }
  int64_t preemption_count() const { return scheduler_.preemption_count(); }
  const EngineLimits& limits() const { return limits_; }
  const Scheduler& scheduler() const { return scheduler_; }

 private:
  struct Live;
  struct Choice;
  void refuse(const Request& request, const std::string& why, OutputSink& sink);
  struct Flight {  // a step that is being computed
    StepPlan plan;
    Ticket ticket;
  };
  bool step_sequential();
  bool step_overlap();
  std::optional<Flight> plan_and_submit();     // none: there is nothing to do
  bool wait_and_commit(const Flight& flight);  // false: the step failed
  void wait_and_fail(const Flight& flight, const std::string& error);
  void note_scheduled(const StepPlan& plan);
  void commit(StepResult& result);
  void fail(const StepPlan& plan, const std::string& error);
  void fail_choice(Choice& choice, const std::string& error);
  void commit_row(Choice& choice, RowResult& row, int64_t now_ns);
  void publish_later(Choice& choice, ChoiceDelta delta, int64_t now_ns);
  void commit_token(Choice& choice, int32_t token, ChoiceDelta& delta);
  void end(Choice& choice, FinishReason reason, ChoiceDelta& delta);
  void report(const Live& live, FinishReason reason);
  void publish();

  Runner& runner_;
  const Tokenizer* tokenizer_;
  const EngineLimits limits_;
  const Clock& clock_;
  StepObserver* observer_;
  TokenBudget* budget_ = nullptr;  // none: that of the configuration, always
  const Loop loop_;
  std::optional<Flight> in_flight_;  // with overlap
  Scheduler scheduler_;
  SequenceId next_sequence_ = 1;
  std::map<RequestId, std::unique_ptr<Live>> live_;
  std::map<SequenceId, Choice*> choices_;
  std::vector<std::pair<std::shared_ptr<OutputSink>, ChoiceDelta>> outbox_;
};

}  // namespace kilotoken
