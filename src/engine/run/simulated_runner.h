#pragma once
// SimulatedRunner: a device that is not there. A step takes the time that a law says, on a clock
// that it turns itself; tokens come from simulated KV pages; steps fail, hang or give NaN when
// they are told to. Deterministic: the same plans, faults and seed give the same results and times.

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/run/runner.h"
#include "engine/run/simulated_kv.h"
#include "engine/step_time/step_time_law.h"

namespace kilotoken {

struct SimulatedDevice {
  StepTimeLaw law;
  double jitter = 0;  // a step takes up to this share more or less
  uint64_t seed = 0;  // of the jitter
  int vocab_size = 0;
  int page_count = 0;
  int page_tokens = 0;
};

// What goes wrong with one step.
struct StepFault {
  std::string error;             // the step fails, and computes nothing
  int64_t hang_ns = 0;           // it takes so much longer
  std::vector<size_t> nan_rows;  // what these rows of the plan compute is no number
};

class SimulatedRunner final : public Runner {
 public:
  using Faults = std::function<StepFault(const StepPlan&)>;

  // `clock` is set forward to the end of each step that is waited for.
  SimulatedRunner(const SimulatedDevice& device, ManualClock& clock, Faults faults = {});
  ~SimulatedRunner() override;

  // Computed at once, in the order of submission; only their time passes as if side by side with
  // whoever waits.
  Ticket submit(const StepPlan& plan) override;
  StepResult wait(Ticket ticket) override;

  SimulatedKv& kv() { return kv_; }
  size_t open_count() const { return slots_.size(); }  // sequences that it remembers

 private:
  struct Slot;
  struct Done {
    StepResult result;
    int64_t ends_ns = 0;
  };
  void open(const StepPlan::Open& opened);
  int64_t duration_ns(const StepPlan& plan);
  SimulatedKv::Reading compute(const Row& row, bool nan, RowResult& result);
  void sample(Slot& slot, const Row& row, SimulatedKv::Reading reading, RowResult& result);

  const SimulatedDevice device_;
  ManualClock& clock_;
  Faults faults_;
  SimulatedKv kv_;
  std::unordered_map<SequenceId, Slot> slots_;
  Ticket next_ticket_ = 1;
  int64_t free_ns_ = 0;  // when the device has done all that was submitted
  std::unordered_map<Ticket, Done> done_;
};

}  // namespace kilotoken
