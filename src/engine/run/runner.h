#pragma once
// Runner: computes step plans. It keeps, in a slot per sequence, what the next step needs before
// the engine has seen this one's outcome: the tokens so far and the sampling state. So a plan can
// say "continue" and sampling happens between submit and wait.

#include <cstdint>
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
  std::vector<RowResult> rows;  // in the order of the plan's rows
  int64_t compute_ns = 0;
  int64_t linear_calls = 0;  // of matrix kernels, and the rows they were given in all
  int64_t linear_rows = 0;
};

class Runner {
 public:
  virtual ~Runner() = default;
  virtual Ticket submit(const StepPlan& plan) = 0;
  virtual StepResult wait(Ticket ticket) = 0;
};

}  // namespace kilotoken
