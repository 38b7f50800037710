#pragma once
// LocalRunner: one model on this machine. submit() computes the step on the caller's thread (worker
// 0 of the kernel pool); wait() hands out its result.

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/run/runner.h"
#include "model/families/model.h"

namespace kilotoken {

class LocalRunner final : public Runner {
 public:
  // Sees each row of logits before sampling touches it: (sequence, position of the token it
  // predicts, logits [vocab]).
  using LogitsProbe = std::function<void(SequenceId, int, std::span<const float>)>;

  // `max_rows`: tokens of the largest step (max_num_batched_tokens).
  LocalRunner(const Model& model, const KvCache& kv, ThreadPool& pool, const Clock& clock,
              int max_rows, LogitsProbe probe = {});
  ~LocalRunner() override;

  Ticket submit(const StepPlan& plan) override;
  StepResult wait(Ticket ticket) override;

 private:
  struct Slot;
  struct Step;
  void open(const StepPlan::Open& open);
  void lay_out(const StepPlan& plan, Step& step);
  void read_logits(const StepPlan& plan, const Step& step, std::span<const float> logits,
                   StepResult& result);
  void sample(SequenceId sequence, const Row& row, std::span<const float> logits,
              RowResult& result);

  const Model& model_;
  const KvCache& kv_;
  ThreadPool& pool_;
  const Clock& clock_;
  LogitsProbe probe_;
  std::optional<Workspace> workspace_;
  int workspace_rows_ = 0, workspace_logit_rows_ = 0;
  std::unordered_map<SequenceId, Slot> slots_;
  Ticket next_ticket_ = 1;
  std::unordered_map<Ticket, StepResult> results_;
};

}  // namespace kilotoken
