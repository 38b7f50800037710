#include "measure/bench/workloads.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace kilotoken::bench {
namespace {

constexpr uint32_t kSystem = 31, kText = 32, kSize = 33, kAnswer = 34, kThink = 35, kClass = 36;

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

// Factor that brings `wanted` tokens into the context; a note if it is not 1.
double fit(int wanted, int messages, const DataOptions& data, Plan& plan) {
  if (data.max_model_len == 0) return 1;
  const int room = data.max_model_len - template_tokens(data.chat, static_cast<size_t>(messages));
  if (wanted <= room) return 1;
  const double factor = static_cast<double>(room) / wanted;
  plan.notes.push_back("scaled to the model: its longest request has " + std::to_string(wanted) +
                       " tokens, the context is " + std::to_string(data.max_model_len) +
                       "; all lengths times " + number(std::floor(factor * 1000) / 1000));
  return factor;
}

int times(int length, double factor) { return std::max(1, static_cast<int>(length * factor)); }

Plan plan_chat(const WorkloadOptions& workload, const DataOptions& data, const Words& words,
               ArrivalOptions& arrivals) {
  constexpr int kTurnLow = 20, kTurnHigh = 100, kAnswerLow = 50, kAnswerHigh = 500;
  Plan plan;
  const int wanted = workload.system_tokens + workload.turns * (kTurnHigh + kAnswerHigh);
  const double factor = fit(wanted, 2 * workload.turns + 1, data, plan);
  Turn system;
  system.text =
      words.text(kSystem, data.salt_prompts ? data.salt : 0, times(workload.system_tokens, factor));
  uint64_t index = 0;
  for (size_t left = data.count; left > 0;) {
    Session session;
    session.system = system.text;
    const size_t turns = std::min(left, static_cast<size_t>(workload.turns));
    for (size_t i = 0; i < turns; ++i, ++index) {
      Turn turn;
      const int tokens = times(words.between(kSize, index, kTurnLow, kTurnHigh), factor);
      turn.text = words.text(kText, index, tokens);
      turn.input_tokens = tokens;
      turn.max_tokens = times(words.between(kAnswer, index, kAnswerLow, kAnswerHigh), factor);
      const double think = -std::log(1 - words.uniform(kThink, index)) * workload.think_s;
      turn.think_ns = i == 0 ? 0 : static_cast<int64_t>(think * 1e9);
      session.turns.push_back(std::move(turn));
    }
    left -= turns;
    plan.sessions.push_back(std::move(session));
  }
  plan.classes = {"chat"};
  plan.parameters = {{"rate", number(arrivals.rate) + " requests/s wanted"},
                     {"sessions", std::to_string(plan.sessions.size()) + ", new ones at " +
                                      number(arrivals.rate / workload.turns) + "/s"},
                     {"turns", std::to_string(workload.turns)},
                     {"think_time_s", number(workload.think_s) + " on average, exponential"},
                     {"system_tokens", std::to_string(times(workload.system_tokens, factor))},
                     {"turn_tokens", std::to_string(times(kTurnLow, factor)) + " to " +
                                         std::to_string(times(kTurnHigh, factor))},
                     {"answer_tokens", std::to_string(times(kAnswerLow, factor)) + " to " +
                                           std::to_string(times(kAnswerHigh, factor))}};
  // Each session brings its turns with it.
  arrivals.rate /= workload.turns;
  return plan;
}

Plan plan_summarize(const DataOptions& data, const Words& words) {
  constexpr int kDocument = 8000, kSummary = 500;
  Plan plan;
  const double factor = fit(kDocument + kSummary, 1, data, plan);
  const int document = times(kDocument, factor), summary = times(kSummary, factor);
  for (size_t i = 0; i < data.count; ++i) {
    Turn turn;
    turn.max_tokens = summary;
    turn.input_tokens = document;
    turn.text = "Summarize: " +
                words.text(kText, i + (data.salt_prompts ? data.salt << 20 : 0), document - 4);
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  plan.classes = {"summarize"};
  plan.parameters = {{"documents", std::to_string(data.count)},
                     {"document_tokens", std::to_string(document)},
                     {"summary_tokens", std::to_string(summary)}};
  return plan;
}

// Lengths of a class, log-uniform.
struct Kind {
  const char* name;
  double share;
  int input_low, input_high, output_low, output_high;
};
constexpr Kind kKinds[] = {{"chat", 0.6, 50, 1000, 100, 500},
                           {"summarize", 0.3, 2000, 8000, 100, 500},
                           {"code", 0.1, 100, 2000, 200, 2000}};

Plan plan_mixed(const DataOptions& data, const Words& words, ArrivalOptions& arrivals) {
  Plan plan;
  const double factor = fit(8500, 1, data, plan);
  plan.classes.clear();
  for (const Kind& kind : kKinds) {
    plan.classes.emplace_back(kind.name);
    plan.parameters.emplace_back(
        kind.name, number(kind.share * 100) + " %, prompts " +
                       std::to_string(times(kind.input_low, factor)) + " to " +
                       std::to_string(times(kind.input_high, factor)) + ", answers " +
                       std::to_string(times(kind.output_low, factor)) + " to " +
                       std::to_string(times(kind.output_high, factor)) + " tokens, log-uniform");
  }
  for (size_t i = 0; i < data.count; ++i) {
    const double draw = words.uniform(kClass, i);
    const int klass = draw < 0.6 ? 0 : draw < 0.9 ? 1 : 2;
    const Kind& kind = kKinds[klass];
    Turn turn;
    turn.input_tokens = times(words.log_between(kSize, i, kind.input_low, kind.input_high), factor);
    turn.max_tokens =
        times(words.log_between(kAnswer, i, kind.output_low, kind.output_high), factor);
    turn.text = words.text(kText, i + (data.salt_prompts ? data.salt << 20 : 0), turn.input_tokens);
    plan.sessions.push_back({{std::move(turn)}, klass, "", 0});
  }
  // Peaks of 100 for a mean of 30: a fifth of the time, the rest at what keeps the mean.
  const double mean = arrivals.rate;
  arrivals.burst_rate = mean * 100 / 30;
  arrivals.burst_every_s = 10;
  arrivals.burst_for_s = 2;
  arrivals.rate = (mean - 0.2 * arrivals.burst_rate) / 0.8;
  plan.parameters.emplace_back("rate", number(mean) + " requests/s on average, peaks of " +
                                           number(arrivals.burst_rate) + " for 2 s of every 10");
  return plan;
}

}  // namespace

double default_rate(const WorkloadOptions& workload) {
  if (workload.name == "chat") return 50;
  if (workload.name == "mixed") return 30;
  return std::numeric_limits<double>::infinity();
}

Result<Plan> plan_workload(const WorkloadOptions& workload, const DataOptions& data,
                           const Words& words, ArrivalOptions& arrivals) {
  if (workload.turns < 1) return invalid("--turns must be above 0");
  if (workload.think_s < 0) return invalid("--think-time must not be negative");
  Result<Plan> plan =
      invalid("--workload " + workload.name + " is not known: write chat, summarize or mixed");
  if (workload.name == "chat") plan = plan_chat(workload, data, words, arrivals);
  if (workload.name == "summarize") plan = plan_summarize(data, words);
  if (workload.name == "mixed") plan = plan_mixed(data, words, arrivals);
  if (plan.ok()) note_tokenizer(*plan, words);
  return plan;
}

}  // namespace kilotoken::bench
