#pragma once
// World: one scenario, run: the real engine, scheduler, prefix cache and page pool on a simulated
// device and clock, with clients that come and go.

#include <cstdint>
#include <string>

#include "scenario.h"
#include "tally.h"

namespace kilotoken::simulation {

struct Outcome {
  std::string failure;  // empty: all was as it must be
  uint64_t trace = 0;   // equal for equal runs
};

Outcome run(const Scenario& scenario, Tally& tally);

// How many steps with `sequences` running the machine simulates in a second, checks and all.
double steps_per_second(int sequences);

}  // namespace kilotoken::simulation
