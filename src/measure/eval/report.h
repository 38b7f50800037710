#pragma once
// The outcome of tasks as lm-evaluation-harness prints and stores it.

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "measure/eval/estimate.h"
#include "measure/eval/kl.h"
#include "measure/eval/multiple_choice.h"
#include "measure/eval/perplexity.h"

namespace kilotoken {

struct TaskReport {
  struct Metric {
    std::string name;
    Estimate estimate;
    bool higher_is_better = false;
  };
  std::string task;
  int shots = 0;
  int64_t samples = 0;  // texts or questions
  std::vector<Metric> metrics;
};

// The whole, then its kinds or subjects.
std::vector<TaskReport> report_of(const PerplexityResult& result);
std::vector<TaskReport> report_of(const KlResult& result);
std::vector<TaskReport> report_of(const MultipleChoiceResult& result, int shots);

// |Tasks|Version|Filter|n-shot|Metric| |Value| |Stderr|
std::string table_of(const std::vector<TaskReport>& reports);

// {"results": {TASK: {"alias", "METRIC,none", "METRIC_stderr,none"}}, "versions", "n-shot",
// "higher_is_better", "n-samples", "config"}
OrderedJson json_of(const std::vector<TaskReport>& reports, const OrderedJson& config);

}  // namespace kilotoken
