#pragma once
// Result: a run as JSON. The keys that vLLM's benchmark writes stand at the top, with its meanings;
// everything else is nested under "x".

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "measure/bench/metrics.h"
#include "measure/bench/validity.h"

namespace kilotoken::bench {

// What the server is, and what its own counters say; empty for one that is not ours.
struct ServerView {
  std::string name, version;
  bool ours = false;
  OrderedJson configuration = OrderedJson::object();
  // Gauges over the run, by name, one value a tick.
  std::vector<double> tick_s;
  std::vector<std::pair<std::string, std::vector<double>>> series;
  OrderedJson figures;  // after the run: counters' growth, peaks
};

struct ResultInput {
  std::string date, label, backend, model, tokenizer;
  double request_rate = 0, burstiness = 1;  // infinite rate: "inf"
  int max_concurrency = 0;
  size_t planned = 0;
  const Plan& plan;
  const LoadRun& run;
  const Summary& summary;
  const std::vector<Badge>& badges;
  const ServerView& server;
  std::string diagnosis;
  OrderedJson diagnosis_shares;
  OrderedJson configuration;  // the flags given, and what follows from them
  OrderedJson environment;
  std::optional<double> joules;
  std::string no_joules;
  double client_cpu_share = 0;  // of one processor
  double mismatch_share = 0;
  double oracle_hit_rate = 0;  // of a prefix cache that remembers everything
  std::vector<std::pair<std::string, std::string>> metadata;
};

OrderedJson result_json(const ResultInput& input);

// One line of JSON for each request: all its times relative to the run's start.
std::string detail_jsonl(const LoadRun& run, const std::vector<std::string>& classes,
                         const SummaryOptions& judged_by);

OrderedJson distribution_json(const Distribution& distribution);

// null for what is no finite number.
OrderedJson number_or_null(double value);

}  // namespace kilotoken::bench
