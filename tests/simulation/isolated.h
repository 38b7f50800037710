#pragma once
// Runs scenarios in a process of its own, so that a failed check or a crash ends that process and
// is told like any other failure.

#include <cstdint>
#include <functional>
#include <string>

#include "scenario.h"
#include "tally.h"

namespace kilotoken::simulation {

struct Findings {
  Tally tally{};
  uint64_t failed_seed = 0;
  std::string failure;  // empty: none
};

// Seeds first .. first + count - 1, until one fails.
Findings run_seeds(uint64_t first, int count);

// Why this scenario fails; empty: it does not.
std::string failure_of(const Scenario& scenario);

// The smallest scenario found that still fails, by leaving out and halving. Deterministic.
Scenario shrink(Scenario scenario);

}  // namespace kilotoken::simulation
