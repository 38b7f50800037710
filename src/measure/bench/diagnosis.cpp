#include "measure/bench/diagnosis.h"

#include <algorithm>
#include <cmath>

#include "measure/bench/print.h"

namespace kilotoken::bench {
namespace {

constexpr size_t kFewestGaps = 50;

double ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

// Requests that were decoding at a moment, by looking up sorted begins and ends.
class Decoding {
 public:
  explicit Decoding(const LoadRun& run) {
    for (const RequestRecord& record : run.records) {
      if (record.first_ns < 0) continue;
      begins_.push_back(record.first_ns);
      ends_.push_back(record.last_ns);
    }
    std::sort(begins_.begin(), begins_.end());
    std::sort(ends_.begin(), ends_.end());
  }
  double at(int64_t ns) const { return below(begins_, ns) - below(ends_, ns); }

 private:
  static double below(const std::vector<int64_t>& times, int64_t ns) {
    return static_cast<double>(std::lower_bound(times.begin(), times.end(), ns) - times.begin());
  }
  std::vector<int64_t> begins_, ends_;
};

}  // namespace

double StepCost::fixed_share() const {
  const double all = fixed_ms + per_row_ms * mean_rows;
  return all > 0 ? fixed_ms / all : 0;
}

StepCost step_cost_of(const LoadRun& run) {
  const Decoding decoding(run);
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const RequestRecord& record : run.records) {
    // Gaps in which a request did not run say nothing of a step.
    if (!record.ok() || record.server.preemptions > 0) continue;
    for (size_t i = 1; i < record.chunks.size(); ++i) {
      const int64_t begin = record.chunks[i - 1].at_ns, end = record.chunks[i].at_ns;
      const double rows = decoding.at(begin + (end - begin) / 2), gap = ms(end - begin);
      n += 1;
      x += rows;
      y += gap;
      xx += rows * rows;
      xy += rows * gap;
    }
  }
  StepCost cost;
  if (n < kFewestGaps) return cost;
  cost.mean_rows = x / n;
  const double variance = xx / n - cost.mean_rows * cost.mean_rows;
  // Rows that always are about as many say nothing of what one of them costs.
  if (std::sqrt(std::max(variance, 0.0)) < 0.15 * cost.mean_rows) return cost;
  const double slope = (xy / n - cost.mean_rows * y / n) / variance;
  cost.known = true;
  cost.per_row_ms = std::clamp(slope, 0.0, y / n / cost.mean_rows);
  cost.fixed_ms = y / n - cost.per_row_ms * cost.mean_rows;
  return cost;
}

Diagnosis diagnose(const LoadRun& run) {
  double client = 0, queue = 0, tokenising = 0, prefill = 0, decode = 0, whole = 0;
  bool told = false;
  for (const RequestRecord& record : run.records) {
    if (!record.ok() || record.first_ns < 0) continue;  // an answer may have had no token
    client += ms(record.start_ns - record.ready_ns);
    whole += ms(record.last_ns - record.ready_ns);
    decode += ms(record.last_ns - record.first_ns);
    if (!record.server.known()) continue;
    told = true;
    // Who was preempted waits for pages again, and its decoding does so much less.
    const double preempted =
        std::min(record.server.preempted_ms, ms(record.last_ns - record.first_ns));
    queue += record.server.queue_ms + preempted;
    decode -= preempted;
    prefill += std::max(record.server.prefill_ms, 0.0);
    tokenising += std::max(record.server.tokenize_ms, 0.0);
  }
  Diagnosis diagnosis;
  if (!(whole > 0)) return diagnosis;
  const StepCost cost = step_cost_of(run);
  auto& shares = diagnosis.shares;
  shares.emplace_back("client", client / whole);
  double compute = told ? prefill : 0;
  if (told) {
    shares.emplace_back("queue", queue / whole);
    shares.emplace_back("tokenising", tokenising / whole);
    // Between the client's clock and the engine's: connection, HTTP, events on their way.
    const double transport = whole - client - decode - queue - tokenising - prefill;
    shares.emplace_back("transport", std::max(transport, 0.0) / whole);
  } else {
    shares.emplace_back("queue or prefill", (whole - client - decode) / whole);
  }
  if (cost.known) {
    compute += decode * (1 - cost.fixed_share());
    shares.emplace_back("memory bandwidth", decode * cost.fixed_share() / whole);
  } else {
    shares.emplace_back("decoding (compute or memory bandwidth: the load varied too little)",
                        decode / whole);
  }
  if (compute > 0) shares.emplace_back("compute", compute / whole);
  std::stable_sort(shares.begin(), shares.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  diagnosis.text = shares.front().first + ":";
  for (const auto& [name, value] : shares) {
    diagnosis.text += " " + name + printed(" %.0f %%,", value * 100);
  }
  diagnosis.text.pop_back();
  return diagnosis;
}

}  // namespace kilotoken::bench
