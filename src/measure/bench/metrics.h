#pragma once
// Metrics: from the records of a run to its numbers. All definitions are in docs/bench.md; times
// are milliseconds.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/stats.h"
#include "measure/bench/load_client.h"

namespace kilotoken::bench {

struct Percentile {
  double p = 0, value = 0;
  std::optional<Interval> ci95;  // nothing: too few samples
  bool insufficient = false;     // fewer samples than the percentile wants (662 for P99)
};

struct Distribution {
  size_t count = 0;
  double mean = 0, median = 0, deviation = 0, least = 0, most = 0;
  std::vector<Percentile> percentiles;

  double at(double p) const;  // NaN when it was not asked for
};
Distribution distribution_of(std::vector<double> samples, const std::vector<double>& percentiles);
size_t samples_wanted(double percentile);

// Limits of a good request; absent ones are not asked of it.
struct Slos {
  std::map<std::string, double> limits_ms;  // ttft, tpot, itl (the mean of a request), e2el
  bool any() const { return !limits_ms.empty(); }
};
Result<Slos> parse_slos(const std::vector<std::string>& texts);  // "ttft:500"

struct SummaryOptions {
  std::vector<double> percentiles = {50, 95, 99};
  Slos slos;
  bool from_intended = false;  // goodput and adjusted percentiles count from the intended time
};

// Complete, and within every limit.
bool is_good(const RequestRecord& record, const SummaryOptions& options);

struct Goodput {
  size_t good = 0;
  double request_per_s = 0, token_per_s = 0, share_of_issued = 0;
  std::map<std::string, double> attainment;  // of each limit, of requests issued
};

// One class of requests, one turn, or all of them.
struct Group {
  std::string name;
  size_t issued = 0, completed = 0;
  int64_t input_tokens = 0, output_tokens = 0;
  double output_throughput = 0;
  Distribution ttft, tpot, e2el;
};

struct SteadyWindow {
  double begin_s = 0, end_s = 0;  // from the start of the run
  double output_throughput = 0, request_throughput = 0;
};

struct ErrorCount {
  size_t count = 0;
  std::string example;
};

struct Summary {
  double begin_s = 0, duration_s = 0;  // first send to last completion
  size_t issued = 0, completed = 0;
  int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
  bool input_known = true, cached_known = false;
  double request_throughput = 0, output_throughput = 0, total_throughput = 0;
  double peak_output_per_s = 0;  // in one second
  int max_concurrent = 0;
  std::optional<SteadyWindow> steady;
  Goodput goodput;
  Distribution ttft, tpot, itl, e2el;         // from the send, as vLLM counts
  Distribution ttft_intended, e2el_intended;  // from when the schedule wanted it
  Distribution ttft_adjusted, e2el_adjusted;  // failures are infinitely slow
  Distribution ntpot, itl_token, send_lag;
  Distribution tokenising, queue, prefill, decode, preempted;  // of our server's own clock
  double tokens_per_chunk = 0;                                 // 0: not known
  std::map<std::string, size_t> token_sources;
  std::map<std::string, ErrorCount> errors;
  std::vector<Group> classes, turns;
};

Summary summarise(const LoadRun& run, const std::vector<std::string>& classes,
                  const SummaryOptions& options);

// Of one request; NaN where it has none.
double ttft_ms(const RequestRecord& record, bool from_intended);
double e2el_ms(const RequestRecord& record, bool from_intended);
double tpot_ms(const RequestRecord& record);

// Tokens by the time they came, seconds from the start: for throughput over any span.
struct TokenTime {
  double at_s = 0, tokens = 0;
};
std::vector<TokenTime> token_times(const LoadRun& run);

}  // namespace kilotoken::bench
