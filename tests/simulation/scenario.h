#pragma once
// Scenario: all that happens in one simulated run, drawn from a seed: how the engine is set up, who
// asks for what and when, who goes away, which steps go wrong. Plain data, so that it can be cut
// down to what a failure needs.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/run/engine.h"
#include "engine/step_time/step_time_law.h"

namespace kilotoken::simulation {

inline constexpr int kVocab = 211;

struct Client {
  std::shared_ptr<const Request> request;  // its arrival_ns is when it comes
  int64_t leaves_after_ns = -1;            // of its arrival; -1: it stays
  int leaves_after_tokens = -1;            // once so many have come; -1: it stays
  int64_t token_ns = 0;                    // takes so long to read a token; 0: no time
  int backlog = 0;                         // cut off with more tokens unread
};

enum class FaultKind : uint8_t { kError, kHang, kNan };

struct PlannedFault {
  int64_t step = 0;  // of those with rows, counted from 0
  FaultKind kind = FaultKind::kError;
  int64_t amount = 0;  // kHang: ns; kNan: which row
};

struct Scenario {
  uint64_t seed = 0;
  SchedulerConfig scheduler;
  bool prefix_cache = true;
  Loop loop = Loop::kSequential;
  int page_count = 0;
  StepTimeLaw law;
  double jitter = 0;
  std::vector<Client> clients;  // by arrival
  std::vector<PlannedFault> faults;

  std::string describe() const;  // several lines
};

Scenario make_scenario(uint64_t seed);

// What a choice of a request must give, whatever else happens.
struct RightOutput {
  std::vector<int32_t> tokens;
  FinishReason finish = FinishReason::kLength;
};
RightOutput right_output(const Request& request, int choice, int page_tokens);

}  // namespace kilotoken::simulation
