#include "measure/bench/validity.h"

#include <algorithm>
#include <cmath>

#include "measure/bench/print.h"

namespace kilotoken::bench {
namespace {

double p99(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : percentile(values, 99);
}

// Late sends, a late beat and a busy thread: any of them, and the client is part of the result.
Badge client_bound(const ValidityInput& input) {
  const Summary& summary = input.summary;
  const double median = summary.ttft.count > 0 ? summary.ttft.median : 0;
  const double limit = std::max(5.0, 0.05 * median);
  std::vector<double> lags;
  for (const RequestRecord& record : input.run.records) {
    lags.push_back(static_cast<double>(record.start_ns - record.ready_ns) * 1e-6);
  }
  const double lag = p99(std::move(lags)), late = p99(input.run.health.late_ms);
  double busy = 0, queued = 0;
  for (const ThreadHealth& thread : input.run.health.threads) {
    const double wall = std::max(thread.wall_s, 1e-9);
    busy = std::max(busy, thread.cpu_s / wall);
    queued = std::max(queued, thread.queued_s / wall);
  }
  return {"client_bound", lag > limit || late > limit || busy > 0.8,
          printed("the client sent %.2f ms late at P99, its clock beat %.2f ms late (limit %.2f), "
                  "used %.0f %% of its busiest thread's processor and waited %.0f %% for one",
                  lag, late, limit, busy * 100, queued * 100)};
}

Badge omission(const ValidityInput& input) {
  Badge badge{"omission_gap", false, "the load was no schedule: nothing could be left out"};
  const Summary& summary = input.summary;
  if (!input.plan.open_loop || summary.ttft.count == 0) return badge;
  const double from_send = summary.ttft.most, from_plan = summary.ttft_intended.most;
  const double gap = from_plan - from_send;
  const double mean_gap = summary.ttft_intended.mean - summary.ttft.mean;
  const double limit = std::max(5.0, 0.05 * summary.ttft.mean);
  badge.raised = mean_gap > limit;
  badge.text = printed(
      "TTFT from the intended send is %.2f ms longer on average than from the "
      "actual one (limit %.2f); its longest is %.2f ms longer",
      mean_gap, limit, gap);
  return badge;
}

Badge warm_cache(const ValidityInput& input) {
  const Summary& summary = input.summary;
  if (!summary.cached_known || summary.input_tokens == 0) {
    return {"warm_cache", false, "the server does not say what its cache knew"};
  }
  const double found =
      static_cast<double>(summary.cached_tokens) / static_cast<double>(summary.input_tokens);
  const double explained = input.oracle_hit_rate;
  return {
      "warm_cache", found > explained + 0.05,
      printed(
          "the server's cache knew %.1f %% of the prompts, one that was empty before the run and "
          "remembered all of it would know %.1f %%",
          found * 100, explained * 100)};
}

Badge few_samples(const ValidityInput& input) {
  double highest = 0;
  for (const double p : input.percentiles) highest = std::max(highest, p);
  const size_t wanted = samples_wanted(highest);
  return {
      "few_samples", input.summary.completed < wanted,
      printed("%zu requests completed, P%g wants %zu", input.summary.completed, highest, wanted)};
}

// Of the commonest kind of request (largest class, first turn), in order of their start.
std::vector<const RequestRecord*> alike(const ValidityInput& input) {
  std::map<int, size_t> classes;
  for (const RequestRecord& record : input.run.records) ++classes[record.klass];
  int largest = 0;
  for (const auto& [klass, count] : classes) {
    if (count > classes[largest]) largest = klass;
  }
  std::vector<const RequestRecord*> records;
  for (const RequestRecord& record : input.run.records) {
    if (record.ok() && record.klass == largest && record.turn == 0) records.push_back(&record);
  }
  return records;
}

struct Shift {
  double ratio = 1, p_value = 1;
  bool beyond(double limit) const { return p_value < 0.01 && ratio > limit; }
};

Shift shift_between(const std::vector<double>& before, const std::vector<double>& after) {
  Shift shift;
  const double base = median_of(before);
  if (before.empty() || after.empty() || !(base > 0)) return shift;
  shift.ratio = median_of(after) / base;
  shift.p_value = mann_whitney(after, before).p_value;
  return shift;
}

std::vector<double> values_of(const std::vector<const RequestRecord*>& records, size_t begin,
                              size_t end, double (*value)(const RequestRecord&)) {
  std::vector<double> values;
  for (size_t i = begin; i < end; ++i) {
    if (const double v = value(*records[i]); !std::isnan(v)) values.push_back(v);
  }
  return values;
}

double ttft_sent(const RequestRecord& record) { return ttft_ms(record, false); }

bool all_at_once(const ValidityInput& input) {
  return !input.plan.open_loop && input.max_concurrency == 0;
}

Badge drift(const ValidityInput& input) {
  const auto records = alike(input);
  const size_t third = records.size() / 3;
  if (third < 10) return {"drift", false, "too few requests of one kind to see a drift"};
  Shift ttft;
  // A queue that everything joins at once gets longer for those behind: no drift.
  if (!all_at_once(input)) {
    ttft = shift_between(values_of(records, 0, third, ttft_sent),
                         values_of(records, records.size() - third, records.size(), ttft_sent));
  }
  const Shift tpot =
      shift_between(values_of(records, 0, third, tpot_ms),
                    values_of(records, records.size() - third, records.size(), tpot_ms));
  return {"drift", ttft.beyond(1.25) || tpot.beyond(1.25),
          printed("from the first to the last third, the median TTFT changed %.2f-fold (p = %.3g), "
                  "TPOT %.2f-fold (p = %.3g)",
                  ttft.ratio, ttft.p_value, tpot.ratio, tpot.p_value)};
}

Badge cold_start(const ValidityInput& input) {
  const auto records = alike(input);
  const size_t first = std::max<size_t>(
      3, input.max_concurrency > 0 ? static_cast<size_t>(input.max_concurrency) : 3);
  if (records.size() < 2 * first + 10 || all_at_once(input)) {
    return {"cold_start", false, "too few requests of one kind to see a cold start"};
  }
  const Shift shift = shift_between(values_of(records, first, records.size(), ttft_sent),
                                    values_of(records, 0, first, ttft_sent));
  return {"cold_start", shift.beyond(1.5),
          printed("the first %zu requests took %.2f times the TTFT of the others (p = %.3g); "
                  "--num-warmups sends some that are not counted",
                  first, shift.ratio, shift.p_value)};
}

// What a count cannot be: fewer tokens than events that brought text, or more than were asked for.
Badge token_mismatch(const ValidityInput& input) {
  size_t impossible = 0, uncounted = 0;
  for (const RequestRecord& record : input.run.records) {
    if (!record.ok()) continue;
    uncounted += record.source == TokenSource::kChunks;
    const bool fewer = record.usage_tokens >= 0 && record.usage_tokens < record.content_events;
    const bool more = record.max_tokens > 0 && record.usage_tokens > record.max_tokens;
    impossible += fewer || more;
  }
  const bool differs = input.count_tokens && input.mismatch_share > 0.05;
  std::string text =
      printed("%zu answers have a count that cannot be, %zu no count at all (events were counted)",
              impossible, uncounted);
  if (input.count_tokens) {
    text +=
        printed("; by --tokenizer it leaves out %.1f %% of the tokens", input.mismatch_share * 100);
  }
  return {"token_mismatch", impossible > 0 || uncounted > 0 || differs, std::move(text)};
}

Badge coarse_chunks(const ValidityInput& input) {
  const double tokens = input.summary.tokens_per_chunk;
  return {"coarse_chunks", tokens > 1.05,
          printed("an event brings %.2f tokens: ITL is of events, TPOT of tokens", tokens)};
}

Badge failures(const ValidityInput& input) {
  const size_t failed = input.summary.issued - input.summary.completed;
  std::string text = printed(
      "%zu of %zu requests failed: percentiles of the others flatter the server, the "
      "adjusted ones do not",
      failed, input.summary.issued);
  const WarmUps& warmups = input.warmups;
  if (warmups.failed > 0) {
    text += printed("; and %zu of %zu warm-ups: %s", warmups.failed, warmups.sent,
                    warmups.example.c_str());
  }
  return {"failures", failed > 0 || warmups.failed > 0, std::move(text)};
}

}  // namespace

std::vector<Badge> judge(const ValidityInput& input) {
  return {client_bound(input), omission(input),       warm_cache(input),
          few_samples(input),  drift(input),          cold_start(input),
          failures(input),     token_mismatch(input), coarse_chunks(input)};
}

}  // namespace kilotoken::bench
