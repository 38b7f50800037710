#pragma once
// Engine: owns requests; add, cancel, step. One thread calls it (see engine_thread.h). A step is
// plan, submit, wait, commit, publish.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/run/runner.h"
#include "engine/run/text_stream.h"
#include "engine/scheduler/scheduler.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

enum class FinishReason { kStop, kLength, kAbort, kError };

// What one step adds to one choice.
struct ChoiceDelta {
  RequestId request = 0;
  int choice = 0;
  std::vector<TokenLogprob> prompt_logprobs;  // positions 1.. of the prompt, with the first delta
  std::vector<int32_t> tokens;                // newly sampled, an EOS or stop token included
  std::string text;                           // newly certain text
  std::vector<TokenLogprob> logprobs;         // of `tokens`, if asked for
  std::optional<FinishReason> finish;
  std::optional<std::string> stop_reason;  // the stop string that matched
  std::string error;                       // with kError
};

// Where a request's output goes. Called on the engine's thread; must not block.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void on_delta(const ChoiceDelta& delta) = 0;
};

// Times of one finished request, for metrics.
struct RequestTimes {
  int64_t arrival_ns = 0, first_scheduled_ns = 0, first_token_ns = 0, finished_ns = 0;
  int prompt_tokens = 0, output_tokens = 0;
  FinishReason finish = FinishReason::kStop;
};

// Sees each step and each finished request; implemented above the engine (metrics, accounting).
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void on_step(const StepPlan& plan, const StepResult& result) = 0;
  virtual void on_token(const Request& request, int64_t since_previous_ns, bool first) = 0;
  virtual void on_finish(const Request& request, const RequestTimes& times) = 0;
};

class Engine {
 public:
  // `tokenizer` may be null: prompts come as ids then and deltas carry no text.
  Engine(const SchedulerConfig& config, PagePool& pool, Runner& runner, const Tokenizer* tokenizer,
         const Clock& clock, StepObserver* observer);
  ~Engine();

  void add(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink);
  void cancel(RequestId id);  // unknown ids are ignored; the sink hears nothing more
  bool step();                // false: there was nothing to do

  int running_count() const { return scheduler_.running_count(); }
  int waiting_count() const { return scheduler_.waiting_count(); }
  int64_t preemption_count() const { return scheduler_.preemption_count(); }
  const Scheduler& scheduler() const { return scheduler_; }

 private:
  struct Live;
  struct Choice;
  void note_scheduled(const StepPlan& plan);
  void commit(StepResult& result);
  void commit_row(Choice& choice, RowResult& row, int64_t now_ns);
  void commit_token(Choice& choice, int32_t token, ChoiceDelta& delta);
  void end(Choice& choice, FinishReason reason, ChoiceDelta& delta);
  void report(const Live& live, FinishReason reason);
  void publish();

  Runner& runner_;
  const Tokenizer* tokenizer_;
  const Clock& clock_;
  StepObserver* observer_;
  Scheduler scheduler_;
  SequenceId next_sequence_ = 1;
  std::map<RequestId, std::unique_ptr<Live>> live_;
  std::map<SequenceId, Choice*> choices_;
  std::vector<std::pair<std::shared_ptr<OutputSink>, ChoiceDelta>> outbox_;
};

}  // namespace kilotoken
