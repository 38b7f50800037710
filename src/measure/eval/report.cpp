#include "measure/eval/report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "measure/eval/texts.h"

namespace kilotoken {
namespace {

constexpr int kVersion = 1;  // of the tasks; counted up when a number changes its meaning

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

using Cells = std::array<std::string, 9>;

std::string line_of(const Cells& cells, const std::array<size_t, 9>& widths,
                    const std::array<bool, 9>& right) {
  std::string line = "|";
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string space(widths[i] - characters_of(cells[i]), ' ');
    line += right[i] ? space + cells[i] : cells[i] + space;
    line += "|";
  }
  return line + "\n";
}

void add_losses(const Estimate& loss, const std::optional<Estimate>& bound,
                const std::optional<Estimate>& above_bound, TaskReport& report) {
  report.metrics.push_back({"nats_per_token", loss});
  if (bound) report.metrics.push_back({"nats_per_token_bound", *bound});
  if (above_bound) report.metrics.push_back({"nats_per_token_above_bound", *above_bound});
}

}  // namespace

std::vector<TaskReport> report_of(const PerplexityResult& result) {
  TaskReport whole{"perplexity", 0, result.texts, {}};
  whole.metrics = {{"word_perplexity", result.word_perplexity},
                   {"byte_perplexity", result.byte_perplexity},
                   {"bits_per_byte", result.bits_per_byte},
                   {"token_perplexity", result.token_perplexity}};
  add_losses(result.loss, result.bound, result.above_bound, whole);
  std::vector<TaskReport> out{std::move(whole)};
  for (const auto& kind : result.kinds) {
    TaskReport part{"perplexity_" + kind.kind, 0, kind.texts, {}};
    add_losses(kind.loss, kind.bound, kind.above_bound, part);
    out.push_back(std::move(part));
  }
  return out;
}

std::vector<TaskReport> report_of(const KlResult& result) {
  TaskReport out{"kl", 0, result.texts, {}};
  out.metrics = {{"kl_divergence", result.kl},
                 {"same_top_token", result.same_top, true},
                 {"added_nats_per_token", result.added_loss}};
  return {out};
}

std::vector<TaskReport> report_of(const MultipleChoiceResult& result, int shots) {
  const bool letters = result.formulation == Formulation::kLetters;
  const std::string task = letters ? "multiple_choice" : "multiple_choice_continuation";
  std::vector<TaskReport> out;
  const auto add = [&](const std::string& name, const MultipleChoiceResult::Of& of) {
    out.push_back({name, shots, of.questions, {{"acc", of.accuracy, true}}});
    // Letters are all of one length.
    if (!letters) out.back().metrics.push_back({"acc_norm", of.accuracy_by_length, true});
  };
  add(task, result.all);
  for (const auto& subject : result.subjects) {
    std::string name = task + "_" + subject.name;
    std::replace(name.begin(), name.end(), ' ', '_');
    add(name, subject);
  }
  return out;
}

std::string table_of(const std::vector<TaskReport>& reports) {
  std::vector<Cells> rows{
      {"Tasks", "Version", "Filter", "n-shot", "Metric", "", "Value", "", "Stderr"}};
  for (const TaskReport& report : reports) {
    for (const TaskReport::Metric& metric : report.metrics) {
      const bool first = &metric == report.metrics.data();
      rows.push_back({first ? report.task : "", first ? std::to_string(kVersion) : "",
                      first ? "none" : "", std::to_string(report.shots), metric.name,
                      metric.higher_is_better ? "↑" : "↓", number(metric.estimate.value), "±",
                      number(metric.estimate.standard_error)});
    }
  }
  std::array<size_t, 9> widths{};
  for (const Cells& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], characters_of(row[i]));
  }
  const std::array<bool, 9> right{false, true, false, true, false, false, true, false, true};
  std::string out = line_of(rows.front(), widths, right);
  Cells rule;
  for (size_t i = 0; i < rule.size(); ++i) {
    rule[i] = std::string(widths[i], '-');
    if (right[i] && !rule[i].empty()) rule[i].back() = ':';
  }
  out += line_of(rule, widths, right);
  for (size_t i = 1; i < rows.size(); ++i) out += line_of(rows[i], widths, right);
  return out;
}

OrderedJson json_of(const std::vector<TaskReport>& reports, const OrderedJson& config) {
  OrderedJson out;
  for (const char* part : {"results", "versions", "n-shot", "higher_is_better", "n-samples"}) {
    out[part] = OrderedJson::object();
  }
  for (const TaskReport& report : reports) {
    OrderedJson& results = out["results"][report.task];
    results["alias"] = report.task;
    for (const TaskReport::Metric& metric : report.metrics) {
      results[metric.name + ",none"] = metric.estimate.value;
      results[metric.name + "_stderr,none"] = metric.estimate.standard_error;
      out["higher_is_better"][report.task][metric.name] = metric.higher_is_better;
    }
    out["versions"][report.task] = kVersion;
    out["n-shot"][report.task] = report.shots;
    out["n-samples"][report.task] = {{"effective", report.samples}};
  }
  out["config"] = config;
  return out;
}

}  // namespace kilotoken
