#pragma once
// Runner: computes step plans. It keeps, in a slot per sequence, what the next step needs before
// the engine has seen this one's outcome: the tokens so far and the sampling state. So a plan can
// say "continue" and sampling happens between submit and wait.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/sampling/sampler.h"
#include "engine/scheduler/request.h"

namespace kilotoken {

using Ticket = uint64_t;

struct RowResult {
  SequenceId sequence = 0;
  bool sampled = false;  // sample and logprob are set
  Sample sample;
  TokenLogprob logprob;  // if the request wants logprobs
  int first_prompt_position = 0;
  std::vector<TokenLogprob> prompt_logprobs;  // of positions first_prompt_position, +1, ...
};

struct StepResult {
  std::vector<RowResult> rows;  // of the plan's rows, then of their forks; none after an error
  std::string error;            // why the step was not computed, or not to its end; empty: it was
  int wasted_rows = 0;          // of sequences that had ended before (counted by the engine)
  int64_t compute_ns = 0;
  int64_t linear_calls = 0;  // of matrix kernels, and the rows they were given in all
  int64_t linear_rows = 0;
};

// Steps are computed in the order of their submission. A runner may still be at one when the next
// is submitted (AsyncRunner), or compute within submit().
class Runner {
 public:
  virtual ~Runner() = default;
  virtual Ticket submit(const StepPlan& plan) = 0;
  virtual StepResult wait(Ticket ticket) = 0;
};

}  // namespace kilotoken
