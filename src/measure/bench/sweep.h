#pragma once
// Sweep: the same plan at one rate after another, and where the server stops keeping up.

#include <optional>
#include <string>
#include <vector>

#include "measure/bench/serve_bench.h"

namespace kilotoken::bench {

struct SweepPoint {
  double rate = 0;
  double achieved = 0, output_throughput = 0, p95_ttft_ms = 0, median_tpot_ms = 0;
  double good_share = 0;
  bool keeps_up = false;
  OrderedJson json;  // the whole result
};

// Keeps up: answers at 90 % of the offered rate over the whole run, its last answers included (so
// give each rate many answers' time), no failures, P95 TTFT within 5 times that of the lowest rate;
// with limits (--goodput), 90 % of requests meet them instead of the last two. Marks the
// points, in order of rate; the knee is the highest rate up to which all do.
std::optional<double> find_knee(std::vector<SweepPoint>& points, bool limits);

// In search of the highest rate that keeps up, given marked points: doubles from `first` (or
// halves, down to a 64th), then goes between the last that does and the first that does not, until
// these are within 10 %. None: that is found, or 30 rates were tried.
std::optional<double> next_rate(const std::vector<SweepPoint>& points, double first);

SweepPoint point_of(double rate, const Measured& measured);
std::string sweep_text(const std::vector<SweepPoint>& points, std::optional<double> knee);
OrderedJson sweep_json(const std::vector<SweepPoint>& points, std::optional<double> knee);

}  // namespace kilotoken::bench
