#pragma once
// OutputSink: where a request's output goes, choice by choice and step by step.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/sampling/sampler.h"
#include "engine/scheduler/request.h"

namespace kilotoken {

enum class FinishReason { kStop, kLength, kAbort, kError };
const char* name_of(FinishReason reason);

// What one finished request took. Times that never came are 0.
struct RequestTimes {
  int64_t arrival_ns = 0, first_scheduled_ns = 0, first_token_ns = 0, finished_ns = 0;
  int prompt_tokens = 0, output_tokens = 0;
  int cached_tokens = 0;          // of the prompt, found in the prefix cache
  int longest_output_tokens = 0;  // of one choice
  int preemptions = 0;            // of its choices, after which they ran again
  // From the last token before a preemption to the next one, within its decoding.
  int64_t preempted_ns = 0;
  FinishReason finish = FinishReason::kStop;
};

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
  int cached_tokens = 0;                   // of the prompt, found in the prefix cache
  std::optional<RequestTimes> times;       // with the request's last
};

// Where a request's output goes. Called on the engine's thread; must not block.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void on_delta(const ChoiceDelta& delta) = 0;
};

}  // namespace kilotoken
