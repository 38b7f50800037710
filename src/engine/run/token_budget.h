#pragma once
// TokenBudget: how many tokens a step may compute so that streams beside a prompt keep their
// latency: the most whose predicted time meets the target, by the law that StepTiming has learned.

#include <cstdint>

#include "engine/run/step_timing.h"
#include "engine/scheduler/scheduler.h"

namespace kilotoken {

class TokenBudget {
 public:
  struct Config {
    int64_t target_ns = 100'000'000;  // between two tokens of a stream
    int start = 512;                  // until enough steps were seen, and when nobody decodes
    int most = 2048;
  };
  TokenBudget(const StepTiming& timing, const Config& config) : timing_(timing), config_(config) {}

  // Of the next step. Asks the law anew every few steps, or when others decode.
  int tokens(const Scheduler& scheduler);

 private:
  const StepTiming& timing_;
  const Config config_;
  int decoding_ = -1, tokens_ = 0;
  int age_ = 0;  // steps since the law was asked
};

}  // namespace kilotoken
