#include "measure/bench/sweep.h"

#include <algorithm>
#include <cmath>

#include "measure/bench/print.h"

namespace kilotoken::bench {

SweepPoint point_of(double rate, const Measured& measured) {
  SweepPoint point;
  point.rate = rate;
  const Summary& summary = measured.summary;
  point.achieved = summary.request_throughput;
  point.output_throughput = summary.output_throughput;
  std::vector<double> ttft;
  for (const RequestRecord& record : measured.run.records) {
    if (record.ok()) ttft.push_back(ttft_ms(record, true));
  }
  point.p95_ttft_ms = distribution_of(std::move(ttft), {95}).at(95);
  point.median_tpot_ms = summary.tpot.median;
  point.good_share = summary.goodput.share_of_issued;
  point.json = measured.json;
  return point;
}

std::optional<double> find_knee(std::vector<SweepPoint>& points, bool limits) {
  std::sort(points.begin(), points.end(),
            [](const SweepPoint& a, const SweepPoint& b) { return a.rate < b.rate; });
  std::optional<double> knee;
  bool all = true;
  for (SweepPoint& point : points) {
    const bool quick = limits || point.p95_ttft_ms <= 5 * points.front().p95_ttft_ms;
    const bool good = point.good_share >= (limits ? 0.9 : 1.0);
    point.keeps_up = quick && good && point.achieved >= 0.9 * point.rate;
    all = all && point.keeps_up;
    if (all) knee = point.rate;
  }
  return knee;
}

std::optional<double> next_rate(const std::vector<SweepPoint>& points, double first) {
  constexpr double kClose = 1.1, kTooLow = 1.0 / 64;
  constexpr size_t kMostRates = 30;
  if (points.empty()) return first;
  if (points.size() >= kMostRates) return std::nullopt;
  const auto failing = std::find_if(points.begin(), points.end(),
                                    [](const SweepPoint& point) { return !point.keeps_up; });
  if (failing == points.end()) return 2 * points.back().rate;
  if (failing == points.begin()) {
    const double lower = failing->rate / 2;
    return lower < first * kTooLow ? std::nullopt : std::optional(lower);
  }
  const double good = std::prev(failing)->rate;
  if (failing->rate <= kClose * good) return std::nullopt;
  return std::sqrt(good * failing->rate);
}

std::string sweep_text(const std::vector<SweepPoint>& points, std::optional<double> knee) {
  std::string text =
      "      rate   achieved      tok/s   P95 TTFT ms   TPOT ms   tok/s/user    good   keeps up\n";
  for (const SweepPoint& p : points) {
    const double user = p.median_tpot_ms > 0 ? 1000 / p.median_tpot_ms : 0;
    text += printed("%10.2f %10.2f %10.1f %13.2f %9.3f %12.1f %6.1f%%   %s\n", p.rate, p.achieved,
                    p.output_throughput, p.p95_ttft_ms, p.median_tpot_ms, user, p.good_share * 100,
                    p.keeps_up ? "yes" : "no");
  }
  if (!knee) return text + "knee: none, the lowest rate is too much already\n";
  const bool last = !points.empty() && *knee == points.back().rate;
  return text + printed("knee: %.2f requests/s%s\n", *knee,
                        last ? ", the highest rate tried: the server may take more" : "");
}

OrderedJson sweep_json(const std::vector<SweepPoint>& points, std::optional<double> knee) {
  OrderedJson json = {{"schema", "bench-sweep/1"},
                      {"knee", knee ? OrderedJson(*knee) : OrderedJson(nullptr)},
                      {"points", OrderedJson::array()}};
  for (const SweepPoint& p : points) {
    json["points"].push_back({{"rate", p.rate},
                              {"achieved", p.achieved},
                              {"output_throughput", p.output_throughput},
                              {"p95_ttft_ms", number_or_null(p.p95_ttft_ms)},
                              {"median_tpot_ms", number_or_null(p.median_tpot_ms)},
                              {"good_share", p.good_share},
                              {"keeps_up", p.keeps_up},
                              {"result", p.json}});
  }
  return json;
}

}  // namespace kilotoken::bench
