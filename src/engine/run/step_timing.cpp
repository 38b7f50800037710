#include "engine/run/step_timing.h"

#include <cstdio>

namespace kilotoken {
namespace {

int logit_rows_of(const Row& row) {
  switch (row.wants_logits) {
    case LogitsWanted::kNone:
      return 0;
    case LogitsWanted::kLast:
      return 1;
    case LogitsWanted::kAll:
      break;
  }
  return row.count;
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", share * 100);
  return text;
}

}  // namespace

StepWork work_of(const StepPlan& plan) {
  StepWork work;
  for (const Row& row : plan.rows) work.add_row(row.first, row.count, logit_rows_of(row));
  return work;
}

void StepTiming::on_step(const StepPlan& plan, const StepResult& result) {
  if (plan.rows.empty()) return;
  const std::lock_guard lock(mutex_);
  fit_.observe(work_of(plan), result.compute_ns);
}

StepTiming::Learned StepTiming::learned() const {
  const std::lock_guard lock(mutex_);
  return {fit_.ready(), fit_.law(), fit_.error()};
}

std::string StepTiming::Learned::describe() const {
  if (error.steps == 0) return "step times: too few steps to say anything of them";
  return "step times: " + std::to_string(error.steps) + " steps predicted, off by " +
         percent(error.median) + " (median of the last), " + percent(error.p95) +
         " (95th percentile), " + percent(error.mean) + " (mean of all); " + law.describe();
}

}  // namespace kilotoken
