// Prompts from files: ShareGPT's layout, and one prompt a line.

#include <algorithm>
#include <numeric>

#include "base/rng.h"
#include "measure/bench/datasets.h"
#include "measure/bench/record_file.h"

namespace kilotoken::bench {
namespace {

constexpr uint32_t kShuffle = 11, kDraw = 12;
constexpr int64_t kMostTokens = 1 << 24;  // of an answer

// Fisher and Yates, with the plan's own random numbers.
std::vector<size_t> order_of(size_t count, const DataOptions& options) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (!options.shuffle) return order;
  for (size_t i = count; i > 1; --i) {
    const double place = uniform_at(options.seed, kShuffle, i);
    std::swap(order[i - 1], order[static_cast<size_t>(place * static_cast<double>(i))]);
  }
  return order;
}

// Too few records are drawn again at random; too many are left.
void take(Plan& plan, const DataOptions& options, const std::string& path) {
  const size_t have = plan.sessions.size();
  if (have >= options.count) {
    plan.sessions.resize(options.count);
    return;
  }
  if (!options.oversample) {
    plan.notes.push_back(path + " has " + std::to_string(have) + " usable records for " +
                         std::to_string(options.count) + " requests; --no-oversample: only these");
    return;
  }
  for (size_t i = have; i < options.count; ++i) {
    const double place = uniform_at(options.seed, kDraw, i);
    plan.sessions.push_back(plan.sessions[static_cast<size_t>(place * static_cast<double>(have))]);
  }
  plan.notes.push_back(path + " has " + std::to_string(have) +
                       " usable records: " + std::to_string(options.count - have) +
                       " requests repeat one of them (a prefix cache may know these)");
}

Result<std::string> said_in(const RecordFile& file, const FileRecord& record, const Json& turn) {
  for (const char* key : {"value", "content"}) {
    if (turn.is_object() && turn.contains(key) && turn.at(key).is_string()) {
      return turn.at(key).get<std::string>();
    }
  }
  return file.wrong(record, "expected turns as {\"from\": ..., \"value\": \"text\"}");
}

Result<const Json*> turns_of(const RecordFile& file, const FileRecord& record) {
  for (const char* key : {"conversations", "conversation"}) {
    const auto found = record.json.find(key);
    if (found != record.json.end() && found->is_array()) return &*found;
  }
  return file.wrong(record, "expected \"conversations\": a list of turns, as ShareGPT has");
}

}  // namespace

// As vLLM: the first turn is the prompt, the second says how long the answer is; very short and
// very long ones are left out.
Result<Plan> plan_sharegpt(const DataOptions& options, const Words& words) {
  KT_TRY(const RecordFile file, read_record_file(options.path));
  Plan plan;
  plan.data_sha256 = file.sha256;
  size_t single = 0, pruned = 0, long_ones = 0;
  for (const size_t i : order_of(file.records.size(), options)) {
    const FileRecord& record = file.records[i];
    KT_TRY(const Json* turns, turns_of(file, record));
    if (turns->size() < 2) {
      ++single;
      continue;
    }
    Turn turn;
    KT_TRY(turn.text, said_in(file, record, turns->at(0)));
    KT_TRY(const std::string answer, said_in(file, record, turns->at(1)));
    if (plan.sessions.size() == options.count) continue;  // the rest is only checked
    turn.input_tokens = words.count(turn.text);
    turn.max_tokens =
        options.sharegpt_output_len > 0 ? options.sharegpt_output_len : words.count(answer);
    const int total = turn.input_tokens + turn.max_tokens;
    const bool short_answer = options.sharegpt_output_len == 0 && turn.max_tokens < 4;
    if (turn.input_tokens < 4 || short_answer || turn.input_tokens > 1024 || total > 2048) {
      ++pruned;
      continue;
    }
    const int room = template_tokens(options.chat, 1);
    if (options.max_model_len > 0 && total + room > options.max_model_len) {
      ++long_ones;
      continue;
    }
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  if (plan.sessions.empty()) {
    return invalid(options.path + ": no conversation has two turns of a usable length");
  }
  if (single + pruned > 0) {
    plan.notes.push_back(std::to_string(single + pruned) + " conversations left out: " +
                         std::to_string(single) + " of one turn, " + std::to_string(pruned) +
                         " outside 4 to 1,024 tokens of prompt, 4 of answer, 2,048 together");
  }
  if (long_ones > 0) {
    plan.notes.push_back(std::to_string(long_ones) + " conversations left out: too long for " +
                         std::to_string(options.max_model_len) + " tokens of context");
  }
  take(plan, options, options.path);
  return plan;
}

Result<Plan> plan_custom(const DataOptions& options, const Words& words) {
  KT_TRY(const RecordFile file, read_record_file(options.path));
  Plan plan;
  plan.data_sha256 = file.sha256;
  for (const size_t i : order_of(file.records.size(), options)) {
    const FileRecord& record = file.records[i];
    const auto prompt = record.json.find("prompt");
    if (prompt == record.json.end() || !prompt->is_string()) {
      return file.wrong(record,
                        "expected {\"prompt\": \"text\"}, and \"output_tokens\": n if wanted");
    }
    Turn turn;
    turn.text = prompt->get<std::string>();
    turn.input_tokens = words.count(turn.text);
    turn.max_tokens = options.custom_output_len;
    for (const char* key : {"output_tokens", "output_len", "max_tokens"}) {
      const auto length = record.json.find(key);
      if (length == record.json.end()) continue;
      if (!length->is_number_integer() || length->get<int64_t>() < 1 ||
          length->get<int64_t>() > kMostTokens) {
        return file.wrong(record, std::string("expected \"") + key +
                                      "\" to be a whole number from 1 to " +
                                      std::to_string(kMostTokens));
      }
      turn.max_tokens = static_cast<int>(length->get<int64_t>());
    }
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  take(plan, options, options.path);
  return plan;
}

}  // namespace kilotoken::bench
