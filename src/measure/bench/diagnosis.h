#pragma once
// Diagnosis: what the requests' time went to, in one line with shares.

#include <string>
#include <utility>
#include <vector>

#include "measure/bench/metrics.h"

namespace kilotoken::bench {

struct Diagnosis {
  std::string text;                                    // "compute: queue 12 %, ..."
  std::vector<std::pair<std::string, double>> shares;  // of the requests' time, largest first
};

// The client's own lateness is always known. Tokenising, queue (being preempted is part of it) and
// prefill are the server's to tell.
// Decoding is taken apart by how its gaps grow with the requests that decode at once: what every
// step costs whatever its rows (weights read: memory bandwidth) and what each row adds (compute).
Diagnosis diagnose(const LoadRun& run);

// gap = fixed + per_row * rows, least squares, neither negative. `known` is false when the rows
// did not vary enough to tell them apart.
struct StepCost {
  bool known = false;
  double fixed_ms = 0, per_row_ms = 0, mean_rows = 0;
  double fixed_share() const;
};
StepCost step_cost_of(const LoadRun& run);

}  // namespace kilotoken::bench
