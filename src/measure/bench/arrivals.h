#pragma once
// Arrivals: when requests come in an open loop. Draws depend on the seed alone, so a schedule can
// be made again.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"

namespace kilotoken::bench {

struct ArrivalOptions {
  double rate = std::numeric_limits<double>::infinity();  // per second; infinite: all at once
  // Shape of the gamma distribution of gaps, as vLLM's --burstiness: 1 is Poisson, below it
  // burstier, infinite constant.
  double burstiness = 1;
  // Rates that change with the share of requests sent: "", linear, exponential.
  std::string ramp;
  double ramp_start = 0, ramp_end = 0;
  // Every so many seconds, for so many, another rate.
  double burst_rate = 0, burst_every_s = 0, burst_for_s = 0;
  bool rescale = true;  // as vLLM: the last of n comes at n / rate; not with ramps and bursts
  uint64_t seed = 0;
};

// kInvalid names the flag.
Result<void> check(const ArrivalOptions& options);

// Ascending, nanoseconds from the start.
std::vector<int64_t> arrivals(size_t count, const ArrivalOptions& options);

// A gamma variate of this shape and mean 1 (Marsaglia and Tsang, ACM TOMS 26, 2000), for draw
// `index`.
double gamma_at(uint64_t seed, uint64_t index, double shape);

}  // namespace kilotoken::bench
