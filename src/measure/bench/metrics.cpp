#include "measure/bench/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace kilotoken::bench {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double ms(int64_t ns) { return static_cast<double>(ns) * 1e-6; }

int64_t origin(const RequestRecord& record, bool from_intended) {
  return from_intended ? record.intended_ns : record.start_ns;
}

// The concurrency that the client saw, and the span between its first and last high moments.
struct Crowd {
  int most = 0;
  int64_t high_begin_ns = 0, high_end_ns = 0;
};

Crowd crowd_of(const std::vector<RequestRecord>& records) {
  std::vector<std::pair<int64_t, int>> changes;
  for (const RequestRecord& record : records) {
    if (record.outcome == Outcome::kDropped) continue;
    changes.emplace_back(record.start_ns, 1);
    changes.emplace_back(record.done_ns, -1);
  }
  std::sort(changes.begin(), changes.end());
  Crowd crowd;
  int now = 0;
  for (const auto& [at, change] : changes) crowd.most = std::max(crowd.most, now += change);
  now = 0;
  for (const auto& [at, change] : changes) {
    const bool high = now >= 0.9 * crowd.most && crowd.most > 0;
    if (high) crowd.high_end_ns = at;
    now += change;
    if (now >= 0.9 * crowd.most && crowd.high_begin_ns == 0) crowd.high_begin_ns = at;
  }
  return crowd;
}

void add_gaps(const RequestRecord& record, std::vector<double>& gaps,
              std::vector<double>& token_gaps) {
  for (size_t i = 1; i < record.chunks.size(); ++i) {
    const double gap = ms(record.chunks[i].at_ns - record.chunks[i - 1].at_ns);
    gaps.push_back(gap);
    const int tokens = std::max(record.chunks[i].tokens, 1);
    token_gaps.insert(token_gaps.end(), static_cast<size_t>(tokens), gap / tokens);
  }
}

bool meets(const RequestRecord& record, const std::string& name, double limit, bool from_intended) {
  if (name == "ttft") return ttft_ms(record, from_intended) <= limit;
  if (name == "e2el") return e2el_ms(record, from_intended) <= limit;
  // Undefined for an answer of one event: nothing was slow.
  const double tpot = tpot_ms(record);
  if (name == "tpot") return std::isnan(tpot) || tpot <= limit;
  const size_t gaps = record.chunks.size() - 1;
  return gaps == 0 || ms(record.last_ns - record.first_ns) / static_cast<double>(gaps) <= limit;
}

}  // namespace

bool is_good(const RequestRecord& record, const SummaryOptions& options) {
  const auto& limits = options.slos.limits_ms;
  return record.ok() && std::all_of(limits.begin(), limits.end(), [&](const auto& limit) {
           return meets(record, limit.first, limit.second, options.from_intended);
         });
}

namespace {

Goodput goodput_of(const LoadRun& run, const SummaryOptions& options, double duration_s) {
  Goodput goodput;
  int64_t tokens = 0;
  size_t issued = 0;
  std::map<std::string, size_t> met;
  for (const RequestRecord& record : run.records) {
    ++issued;
    const bool good = is_good(record, options);
    for (const auto& [name, limit] : options.slos.limits_ms) {
      met[name] += record.ok() && meets(record, name, limit, options.from_intended);
    }
    goodput.good += good;
    if (good) tokens += record.output_tokens;
  }
  const double count = std::max<double>(1, static_cast<double>(issued));
  for (const auto& [name, number] : met) {
    goodput.attainment[name] = static_cast<double>(number) / count;
  }
  goodput.share_of_issued = static_cast<double>(goodput.good) / count;
  if (duration_s > 0) {
    goodput.request_per_s = static_cast<double>(goodput.good) / duration_s;
    goodput.token_per_s = static_cast<double>(tokens) / duration_s;
  }
  return goodput;
}

template <typename Belongs>
Group group_of(const LoadRun& run, std::string name, double duration_s,
               const SummaryOptions& options, Belongs belongs) {
  Group group;
  group.name = std::move(name);
  std::vector<double> ttft, tpot, e2el;
  for (const RequestRecord& record : run.records) {
    if (!belongs(record)) continue;
    ++group.issued;
    if (!record.ok()) continue;
    ++group.completed;
    group.input_tokens += std::max<int64_t>(record.prompt_tokens, 0);
    group.output_tokens += record.output_tokens;
    ttft.push_back(ttft_ms(record, false));
    if (const double value = tpot_ms(record); !std::isnan(value)) tpot.push_back(value);
    e2el.push_back(e2el_ms(record, false));
  }
  if (duration_s > 0) {
    group.output_throughput = static_cast<double>(group.output_tokens) / duration_s;
  }
  group.ttft = distribution_of(std::move(ttft), options.percentiles);
  group.tpot = distribution_of(std::move(tpot), options.percentiles);
  group.e2el = distribution_of(std::move(e2el), options.percentiles);
  return group;
}

// Samples of every latency, gathered record by record.
struct Samples {
  std::vector<double> ttft, tpot, itl, e2el, ttft_intended, e2el_intended, ttft_adjusted,
      e2el_adjusted, ntpot, itl_token, lag, tokenising, queue, prefill, decode, preempted;

  void add(const RequestRecord& record, bool from_intended) {
    if (record.ready_ns >= 0 && record.outcome != Outcome::kDropped) {
      lag.push_back(ms(record.start_ns - record.ready_ns));
    }
    if (!record.ok()) {
      ttft_adjusted.push_back(kInfinity);
      e2el_adjusted.push_back(kInfinity);
      return;
    }
    ttft.push_back(ttft_ms(record, false));
    e2el.push_back(e2el_ms(record, false));
    ttft_intended.push_back(ttft_ms(record, true));
    e2el_intended.push_back(e2el_ms(record, true));
    ttft_adjusted.push_back(ttft_ms(record, from_intended));
    e2el_adjusted.push_back(e2el_ms(record, from_intended));
    if (const double value = tpot_ms(record); !std::isnan(value)) tpot.push_back(value);
    if (record.output_tokens > 0) {
      ntpot.push_back(e2el.back() / static_cast<double>(record.output_tokens));
    }
    add_gaps(record, itl, itl_token);
    if (!record.server.known()) return;
    const auto told = [](std::vector<double>& to, double value) {
      if (value >= 0) to.push_back(value);
    };
    told(tokenising, record.server.tokenize_ms);
    told(queue, record.server.queue_ms);
    told(prefill, record.server.prefill_ms);
    told(decode, record.server.decode_ms);
    told(preempted, record.server.preempted_ms);
  }

  void finish(Summary& summary, const std::vector<double>& ps) {
    const auto move = [&ps](std::vector<double>& from) {
      return distribution_of(std::move(from), ps);
    };
    summary.ttft = move(ttft);
    summary.tpot = move(tpot);
    summary.itl = move(itl);
    summary.e2el = move(e2el);
    summary.ttft_intended = move(ttft_intended);
    summary.e2el_intended = move(e2el_intended);
    summary.ttft_adjusted = move(ttft_adjusted);
    summary.e2el_adjusted = move(e2el_adjusted);
    summary.ntpot = move(ntpot);
    summary.itl_token = move(itl_token);
    summary.send_lag = move(lag);
    summary.tokenising = move(tokenising);
    summary.queue = move(queue);
    summary.prefill = move(prefill);
    summary.decode = move(decode);
    summary.preempted = move(preempted);
  }
};

void count_tokens(const LoadRun& run, Summary& summary) {
  int64_t chunks = 0, chunked = 0;
  for (const RequestRecord& record : run.records) {
    if (!record.ok()) {
      ErrorCount& error = summary.errors[std::string(name_of(record.outcome))];
      if (error.count++ == 0) error.example = record.error;
      continue;
    }
    ++summary.completed;
    ++summary.token_sources[std::string(name_of(record.source))];
    summary.output_tokens += record.output_tokens;
    summary.input_known = summary.input_known && record.prompt_tokens >= 0;
    summary.input_tokens += std::max<int64_t>(record.prompt_tokens, 0);
    summary.cached_known = summary.cached_known || record.cached_tokens >= 0;
    summary.cached_tokens += std::max<int64_t>(record.cached_tokens, 0);
    if (record.source != TokenSource::kChunks) {
      chunks += static_cast<int64_t>(record.chunks.size());
      chunked += record.output_tokens;
    }
  }
  if (chunks > 0) {
    summary.tokens_per_chunk = static_cast<double>(chunked) / static_cast<double>(chunks);
  }
}

void measure_windows(const LoadRun& run, Summary& summary) {
  const std::vector<TokenTime> times = token_times(run);
  std::map<int64_t, double> seconds;
  for (const TokenTime& time : times) seconds[static_cast<int64_t>(time.at_s)] += time.tokens;
  for (const auto& [second, tokens] : seconds) {
    summary.peak_output_per_s = std::max(summary.peak_output_per_s, tokens);
  }
  const Crowd crowd = crowd_of(run.records);
  summary.max_concurrent = crowd.most;
  SteadyWindow window;
  window.begin_s = static_cast<double>(crowd.high_begin_ns - run.begin_ns) * 1e-9;
  window.end_s = static_cast<double>(crowd.high_end_ns - run.begin_ns) * 1e-9;
  const double length = window.end_s - window.begin_s;
  if (crowd.most < 1 || length < 1) return;
  for (const TokenTime& time : times) {
    if (time.at_s < window.begin_s || time.at_s >= window.end_s) continue;
    window.output_throughput += time.tokens / length;
  }
  for (const RequestRecord& record : run.records) {
    const bool inside = record.done_ns >= crowd.high_begin_ns && record.done_ns < crowd.high_end_ns;
    if (record.ok() && inside) window.request_throughput += 1 / length;
  }
  summary.steady = window;
}

}  // namespace

double ttft_ms(const RequestRecord& record, bool from_intended) {
  return record.first_ns < 0 ? kNan : ms(record.first_ns - origin(record, from_intended));
}

double e2el_ms(const RequestRecord& record, bool from_intended) {
  return record.last_ns < 0 ? kNan : ms(record.last_ns - origin(record, from_intended));
}

double tpot_ms(const RequestRecord& record) {
  const int64_t first = std::max(record.first_tokens, 1);
  if (record.output_tokens <= first || record.last_ns <= record.first_ns) return kNan;
  return ms(record.last_ns - record.first_ns) / static_cast<double>(record.output_tokens - first);
}

double Distribution::at(double p) const {
  for (const Percentile& percentile : percentiles) {
    if (percentile.p == p) return percentile.value;
  }
  return kNan;
}

// 6.62 samples beyond the percentile: 662 for P99, as MLPerf's early stopping wants for 99 %.
size_t samples_wanted(double percentile) {
  return static_cast<size_t>(std::ceil(662.0 / std::max(100 - percentile, 0.001) - 1e-9));
}

Distribution distribution_of(std::vector<double> samples, const std::vector<double>& percentiles) {
  std::erase_if(samples, [](double value) { return std::isnan(value); });
  std::sort(samples.begin(), samples.end());
  Distribution d;
  d.count = samples.size();
  d.mean = average_of(samples);
  d.median = percentile(samples, 50);
  d.deviation = standard_deviation_of(samples);
  d.least = samples.empty() ? kNan : samples.front();
  d.most = samples.empty() ? kNan : samples.back();
  for (const double p : percentiles) {
    d.percentiles.push_back({p, percentile(samples, p), percentile_interval(samples, p),
                             samples.size() < samples_wanted(p)});
  }
  return d;
}

Result<Slos> parse_slos(const std::vector<std::string>& texts) {
  Slos slos;
  for (const std::string& text : texts) {
    const size_t colon = text.find(':');
    const std::string name = text.substr(0, colon);
    double limit = 0;
    const char* begin = text.data() + (colon == text.npos ? text.size() : colon + 1);
    const char* end = text.data() + text.size();
    const bool number = std::from_chars(begin, end, limit).ptr == end && begin != end && limit > 0;
    const bool known = name == "ttft" || name == "tpot" || name == "itl" || name == "e2el";
    if (!number || !known) {
      return invalid("--goodput \"" + text +
                     "\": write ttft, tpot, itl or e2el, a colon and milliseconds, as ttft:500");
    }
    slos.limits_ms[name] = limit;
  }
  return slos;
}

std::vector<TokenTime> token_times(const LoadRun& run) {
  std::vector<TokenTime> times;
  for (const RequestRecord& record : run.records) {
    if (record.chunks.empty()) continue;
    const bool counted = record.counted_tokens > 0;
    const double each = static_cast<double>(std::max<int64_t>(record.output_tokens, 1)) /
                        static_cast<double>(record.chunks.size());
    for (const Chunk& chunk : record.chunks) {
      times.push_back({static_cast<double>(chunk.at_ns - run.begin_ns) * 1e-9,
                       counted ? static_cast<double>(chunk.tokens) : each});
    }
  }
  return times;
}

Summary summarise(const LoadRun& run, const std::vector<std::string>& classes,
                  const SummaryOptions& options) {
  Summary summary;
  summary.issued = run.records.size();
  if (run.records.empty()) return summary;
  int64_t first = run.records.front().start_ns, last = 0;
  Samples samples;
  int last_turn = 0;
  for (const RequestRecord& record : run.records) {
    first = std::min(first, record.start_ns);
    last = std::max(last, record.done_ns);
    last_turn = std::max(last_turn, record.turn);
    samples.add(record, options.from_intended);
  }
  samples.finish(summary, options.percentiles);
  summary.begin_s = static_cast<double>(first - run.begin_ns) * 1e-9;
  summary.duration_s = static_cast<double>(last - first) * 1e-9;
  count_tokens(run, summary);
  if (summary.duration_s > 0) {
    summary.request_throughput = static_cast<double>(summary.completed) / summary.duration_s;
    summary.output_throughput = static_cast<double>(summary.output_tokens) / summary.duration_s;
    summary.total_throughput =
        static_cast<double>(summary.output_tokens + summary.input_tokens) / summary.duration_s;
  }
  measure_windows(run, summary);
  summary.goodput = goodput_of(run, options, summary.duration_s);
  for (size_t klass = 0; classes.size() > 1 && klass < classes.size(); ++klass) {
    summary.classes.push_back(
        group_of(run, classes[klass], summary.duration_s, options,
                 [&](const RequestRecord& r) { return r.klass == static_cast<int>(klass); }));
  }
  for (int turn = 0; last_turn > 0 && turn <= last_turn; ++turn) {
    summary.turns.push_back(group_of(run, std::to_string(turn + 1), summary.duration_s, options,
                                     [&](const RequestRecord& r) { return r.turn == turn; }));
  }
  return summary;
}

}  // namespace kilotoken::bench
