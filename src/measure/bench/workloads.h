#pragma once
// Workloads: the three scenarios by which services are compared: conversations that share a system
// prompt, long documents to be summarised, and a mixture with code.

#include <string>

#include "measure/bench/arrivals.h"
#include "measure/bench/datasets.h"

namespace kilotoken::bench {

struct WorkloadOptions {
  std::string name;    // chat, summarize, mixed
  int turns = 10;      // of a chat
  double think_s = 5;  // mean between turns, exponential
  int system_tokens = 256;
};

// Requests per second, where none is asked for; infinite: all at once.
double default_rate(const WorkloadOptions& workload);

// `arrivals` has the rate of requests, and gets that of sessions, and bursts. Lengths are scaled to
// the context, with a note, when it must be. kInvalid names the flag.
Result<Plan> plan_workload(const WorkloadOptions& workload, const DataOptions& data,
                           const Words& words, ArrivalOptions& arrivals);

}  // namespace kilotoken::bench
