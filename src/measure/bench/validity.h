#pragma once
// Validity: what would make the numbers of a run say something else than they seem to. Each doubt
// is measured, and raised only for a stated reason.

#include <string>
#include <vector>

#include "measure/bench/metrics.h"
#include "measure/bench/plan.h"

namespace kilotoken::bench {

struct Badge {
  std::string key;  // "client_bound"
  bool raised = false;
  std::string text;  // one line: what was measured, and what it means
};

// Requests before the run, which are not counted.
struct WarmUps {
  size_t sent = 0, failed = 0;
  std::string example;  // of a failure
};

struct ValidityInput {
  const Plan& plan;
  const LoadRun& run;
  const Summary& summary;
  const std::vector<double>& percentiles;
  int max_concurrency = 0;
  bool count_tokens = false;  // a tokenizer of the model is at hand for token_mismatch
  double mismatch_share = 0;  // of tokens, by that tokenizer
  WarmUps warmups = {};
  double oracle_hit_rate = 0;  // what an empty cache that remembers everything would have found
};

std::vector<Badge> judge(const ValidityInput& input);

}  // namespace kilotoken::bench
