#pragma once
// Checker: sees every plan, result and delta of a run, and holds them against what must be so. It
// remembers the first thing that is not.

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/run/engine.h"
#include "scenario.h"
#include "tally.h"

namespace kilotoken::simulation {

// One request, and what came of it so far. Owned by the checker, which is its sink.
struct Asked {
  struct Answer {
    std::vector<int32_t> tokens;
    RightOutput right;
    bool ended = false;
    bool hit_by_fault = false;  // an error is its right end now
  };
  Client client;
  std::vector<Answer> answers;    // by choice
  SequenceId first_sequence = 0;  // the first choice's; the engine counts them as they come
  int unfinished = 0;
  bool gone = false;      // cancelled
  bool met_nan = false;   // what was computed for it is no number
  bool reported = false;  // on_finish was called
  int64_t first_token_ns = 0;
  int64_t token_count = 0;
};

class Checker final : public StepObserver {
 public:
  Checker(const Scenario& scenario, const Clock& clock, const PagePool& pool, Tally& tally);

  // Before it is added to the engine; the sink lives as long as this does.
  std::shared_ptr<OutputSink> accept(const Client& client);
  bool is_live(RequestId id) const;
  void cancel(RequestId id);                    // before the engine is told; of a live one
  std::vector<RequestId> clients_that_leave();  // since the last call

  void see_plan(const StepPlan& plan, const Scheduler& scheduler);
  void see_result(const StepPlan& plan, const StepResult& result);
  void see_failure(const StepPlan& plan);  // of the step, or of the one it was begun on
  void after_step(const Scheduler& scheduler);
  void at_the_end(const Scheduler& scheduler, size_t runner_slots);

  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }
  void fail(const std::string& what);
  void meets_nan(SequenceId sequence) { running_.at(sequence).asked->met_nan = true; }
  void no_more_faults();
  uint64_t trace() const { return trace_; }  // a hash of all that was seen
  int64_t step_count() const { return steps_; }
  std::vector<RequestId> requests_hit() const;  // by a fault

  void on_begin(const Request& request, const ChoiceBegin& begin) override;
  void on_step(const StepPlan&, const StepResult& result) override {
    tally_[kWastedRows] += result.wasted_rows;
  }
  void on_token(const Request&, int64_t since_previous_ns, bool first) override;
  void on_finish(const Request& request, const RequestTimes& times) override;

 private:
  class Sink;
  struct Running {
    Asked* asked = nullptr;
    int choice = 0;
    int next = 0;  // position after the last that was computed
    int64_t seen_in = -1;
  };
  bool require(bool holds, const char* what, int64_t is = 0, int64_t limit = 0);
  void see_delta(Asked& asked, const ChoiceDelta& delta);
  void see_end(Asked& asked, Asked::Answer& answer, const ChoiceDelta& delta);
  void check_prompt_logprobs(const Asked& asked, const ChoiceDelta& delta);
  void check_row(const Row& row);
  void check_budget(const StepPlan& plan);
  void hit(SequenceId sequence);
  void check_forks(const Row& row);
  void check_order(const Scheduler& scheduler);
  void check_oldest(const Scheduler& scheduler);
  void check_batch(const Scheduler& scheduler);
  void note(uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3; }

  const Scenario& scenario_;
  const Clock& clock_;
  const PagePool& pool_;
  Tally& tally_;
  std::string failure_;
  uint64_t trace_ = 0xcbf29ce484222325;
  int64_t steps_ = 0;
  bool faults_ended_ = false;
  int64_t live_choices_ = 0, tokens_told_ = 0, tokens_seen_ = 0;
  std::map<RequestId, Asked> asked_;
  std::unordered_map<SequenceId, Running> running_;
  std::vector<int64_t> read_in_, written_in_;  // by page: the last step that did
  int64_t pages_read_ = 0;                     // in this step
  std::set<SequenceId> alive_;                 // choices that have not ended
  SequenceId next_sequence_ = 1;
  SequenceId oldest_ = 0;
  int64_t oldest_served_ = 0;  // the step in which it last had a row
  std::vector<RequestId> leaving_;
};

}  // namespace kilotoken::simulation
