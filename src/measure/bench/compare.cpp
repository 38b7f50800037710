#include "measure/bench/compare.h"

#include <algorithm>
#include <limits>
#include <sstream>

#include "base/files.h"
#include "base/stats.h"
#include "measure/bench/print.h"

namespace kilotoken::bench {
namespace {

struct Metric {
  const char* key;  // a JSON pointer where it begins with a slash
  bool more_is_better;
  const char* name = key;
};
constexpr Metric kMetrics[] = {{"request_throughput", true},
                               {"output_throughput", true},
                               {"total_token_throughput", true},
                               {"median_ttft_ms", false},
                               {"p95_ttft_ms", false},
                               {"p99_ttft_ms", false},
                               {"median_tpot_ms", false},
                               {"p95_tpot_ms", false},
                               {"median_itl_ms", false},
                               {"median_e2el_ms", false},
                               {"p95_e2el_ms", false},
                               {"failed", false},
                               {"/x/tokens/hit_rate", true, "prefix_hit_rate"},
                               {"/x/tokens/oracle_hit_rate", true, "oracle_hit_rate"}};

std::vector<double> values_of(const std::vector<OrderedJson>& runs, const char* key) {
  std::vector<double> values;
  for (const OrderedJson& run : runs) {
    const OrderedJson::json_pointer place(key[0] == '/' ? key : std::string("/") + key);
    if (run.contains(place) && run.at(place).is_number()) {
      values.push_back(run.at(place).get<double>());
    }
  }
  return values;
}

const char* name_of(Verdict verdict) {
  if (verdict == Verdict::kNotSeparable) return "not separable";
  return verdict == Verdict::kBetter ? "better" : "worse";
}

}  // namespace

std::vector<Comparison> compare(const std::vector<OrderedJson>& a,
                                const std::vector<OrderedJson>& b) {
  std::vector<Comparison> comparisons;
  for (const Metric& metric : kMetrics) {
    Comparison c{metric.name, values_of(a, metric.key), values_of(b, metric.key)};
    if (c.a.empty() || c.b.empty()) continue;
    c.median_a = median_of(c.a);
    c.median_b = median_of(c.b);
    c.p_value = mann_whitney(c.b, c.a).p_value;
    if (c.p_value < 0.05 && c.median_a != c.median_b) {
      const bool better = (c.median_b > c.median_a) == metric.more_is_better;
      c.verdict = better ? Verdict::kBetter : Verdict::kWorse;
    }
    comparisons.push_back(std::move(c));
  }
  return comparisons;
}

namespace {

// One on each line, as --append-result writes them.
Result<std::vector<OrderedJson>> results_of_lines(const std::string& text,
                                                  const std::string& path) {
  std::vector<OrderedJson> runs;
  std::istringstream lines(text);
  int number = 1;
  for (std::string line; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    KT_TRY(OrderedJson run, parse_ordered_json(line, path + ", line " + std::to_string(number)));
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<std::vector<OrderedJson>> results_in(const std::string& text, const std::string& path) {
  Result<OrderedJson> json = parse_ordered_json(text, path);
  if (!json.ok()) {
    auto runs = results_of_lines(text, path);
    if (runs.ok()) return runs;
    return json.error();
  }
  std::vector<OrderedJson> runs;
  if (json->is_array()) {
    for (OrderedJson& run : *json) runs.push_back(std::move(run));
  } else {
    runs.push_back(std::move(*json));
  }
  return runs;
}

}  // namespace

Result<std::vector<OrderedJson>> read_results(const std::string& path) {
  KT_TRY(const std::string text, read_text_file(path));
  KT_TRY(std::vector<OrderedJson> runs, results_in(text, path));
  for (const OrderedJson& run : runs) {
    if (!run.is_object() || !run.contains("request_throughput")) {
      return invalid(path +
                     ": expected results of kilotoken bench serve (or vLLM's), one or a "
                     "list of them");
    }
  }
  if (runs.empty()) return invalid(path + ": the list of results is empty");
  return runs;
}

std::string repeats_text(const std::vector<OrderedJson>& runs) {
  std::string text = printed("%-24s %14s %14s %14s  %s\n", "of the runs", "median", "least", "most",
                             "95 % interval of the median");
  for (const Metric& metric : kMetrics) {
    std::vector<double> values = values_of(runs, metric.key);
    if (values.empty()) continue;
    std::sort(values.begin(), values.end());
    text += printed("%-24s %14.3f %14.3f %14.3f  ", metric.name, percentile(values, 50),
                    values.front(), values.back());
    const auto interval = percentile_interval(values, 50);
    text += interval ? printed("[%.3f, %.3f]\n", interval->low, interval->high)
                     : std::string("needs six runs\n");
  }
  return text;
}

std::string comparison_text(const std::string& a, const std::string& b,
                            const std::vector<Comparison>& comparisons) {
  std::string text = "A: " + a + "\nB: " + b + "\n";
  text +=
      printed("%-24s %14s %14s %9s %9s  %s\n", "median of runs", "A", "B", "B / A", "p", "B is");
  for (const Comparison& c : comparisons) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double ratio = c.median_a != 0 ? c.median_b / c.median_a : nan;
    text += printed("%-24s %14.3f %14.3f %9.3f %9.4f  %s\n", c.metric.c_str(), c.median_a,
                    c.median_b, ratio, c.p_value, name_of(c.verdict));
  }
  if (!comparisons.empty()) {
    const size_t runs_a = comparisons.front().a.size(), runs_b = comparisons.front().b.size();
    text +=
        printed("%zu and %zu runs, two-sided Mann-Whitney%s\n", runs_a, runs_b,
                std::min(runs_a, runs_b) < 4 ? "; four each are the fewest that can differ" : "");
  }
  return text;
}

OrderedJson comparison_json(const std::vector<Comparison>& comparisons) {
  OrderedJson json = {{"schema", "bench-comparison/1"}, {"metrics", OrderedJson::array()}};
  for (const Comparison& c : comparisons) {
    json["metrics"].push_back({{"metric", c.metric},
                               {"a", c.a},
                               {"b", c.b},
                               {"median_a", c.median_a},
                               {"median_b", c.median_b},
                               {"p_value", c.p_value},
                               {"verdict", name_of(c.verdict)}});
  }
  return json;
}

}  // namespace kilotoken::bench
