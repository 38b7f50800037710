#include "measure/bench/datasets.h"

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace kilotoken::bench {
namespace {

constexpr uint32_t kBody = 1, kPrefix = 2, kLengths = 3, kSalt = 4;
constexpr int kSaltTokens = 6;

// What comes before a made-up prompt: `key` names who shares it.
void add_salt(Turn& turn, const DataOptions& options, const Words& words, uint64_t key) {
  if (!options.salt_prompts) return;
  const uint64_t index = options.salt * 0x9E3779B97F4A7C15 + key;
  if (!turn.ids.empty()) {
    const auto salt = words.ids(kSalt, index, kSaltTokens);
    const size_t count = std::min(salt.size(), turn.ids.size());
    std::copy_n(salt.begin(), count, turn.ids.begin());
  } else {
    turn.text = words.text(kSalt, index, kSaltTokens) + " " + turn.text;
  }
}

int around(const Words& words, uint64_t index, int length, double ratio) {
  const int low = static_cast<int>(std::floor(length * (1 - ratio)));
  const int high = static_cast<int>(std::ceil(length * (1 + ratio)));
  return std::max(1, words.between(kLengths, index, std::max(low, 0), std::max(high, low)));
}

Result<Plan> plan_random(const DataOptions& options, const Words& words) {
  Plan plan;
  const double ratio = options.random_range_ratio;
  if (ratio < 0 || ratio >= 1) return invalid("--random-range-ratio must be from 0 up to 1");
  const int longest = static_cast<int>(std::ceil(options.random_input_len * (1 + ratio))) +
                      static_cast<int>(std::ceil(options.random_output_len * (1 + ratio))) +
                      options.random_prefix_len + template_tokens(options.chat, 1);
  if (options.max_model_len > 0 && longest > options.max_model_len) {
    return invalid("--random-input-len and --random-output-len make requests of up to " +
                   std::to_string(longest) + " tokens, the model's context is " +
                   std::to_string(options.max_model_len));
  }
  for (size_t i = 0; i < options.count; ++i) {
    Turn turn;
    const int input = around(words, 2 * i, options.random_input_len, ratio);
    turn.max_tokens = around(words, 2 * i + 1, options.random_output_len, ratio);
    fill_turn(turn, options, words, kBody, i, input);
    if (options.random_prefix_len > 0) {
      Turn prefix;
      fill_turn(prefix, options, words, kPrefix, 0, options.random_prefix_len);
      add_salt(prefix, options, words, 0);
      turn.ids.insert(turn.ids.begin(), prefix.ids.begin(), prefix.ids.end());
      turn.text = prefix.text + " " + turn.text;
      turn.input_tokens += options.random_prefix_len;
    } else {
      add_salt(turn, options, words, i + 1);
    }
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  plan.parameters = {{"input_len", std::to_string(options.random_input_len)},
                     {"output_len", std::to_string(options.random_output_len)},
                     {"range_ratio", std::to_string(ratio)},
                     {"prefix_len", std::to_string(options.random_prefix_len)}};
  return plan;
}

Result<Plan> plan_prefix_repetition(const DataOptions& options, const Words& words) {
  Plan plan;
  const int longest = options.prefix_len + options.suffix_len + options.prefix_output_len +
                      template_tokens(options.chat, 1);
  if (options.max_model_len > 0 && longest > options.max_model_len) {
    return invalid("--prefix-repetition-prefix-len, -suffix-len and -output-len make requests of " +
                   std::to_string(longest) + " tokens, the model's context is " +
                   std::to_string(options.max_model_len));
  }
  if (options.num_prefixes < 1) return invalid("--prefix-repetition-num-prefixes must be above 0");
  for (size_t i = 0; i < options.count; ++i) {
    const uint64_t group = i % static_cast<size_t>(options.num_prefixes);
    Turn turn, suffix;
    fill_turn(turn, options, words, kPrefix, group, options.prefix_len);
    add_salt(turn, options, words, group);
    fill_turn(suffix, options, words, kBody, i, options.suffix_len);
    turn.ids.insert(turn.ids.end(), suffix.ids.begin(), suffix.ids.end());
    if (turn.ids.empty()) turn.text += " " + suffix.text;
    turn.input_tokens = options.prefix_len + options.suffix_len;
    turn.max_tokens = options.prefix_output_len;
    plan.sessions.push_back({{std::move(turn)}, 0, "", 0});
  }
  plan.parameters = {{"prefix_len", std::to_string(options.prefix_len)},
                     {"suffix_len", std::to_string(options.suffix_len)},
                     {"num_prefixes", std::to_string(options.num_prefixes)},
                     {"output_len", std::to_string(options.prefix_output_len)}};
  return plan;
}

}  // namespace

int template_tokens(bool chat, size_t messages) {
  return chat ? 16 + 12 * static_cast<int>(messages) : 1;
}

void fill_turn(Turn& turn, const DataOptions& options, const Words& words, uint32_t stream,
               uint64_t index, int tokens) {
  turn.input_tokens = tokens;
  if (!options.chat && words.has_ids()) {
    turn.ids = words.ids(stream, index, tokens);
  } else {
    turn.text = words.text(stream, index, tokens);
  }
}

void note_tokenizer(Plan& plan, const Words& words) {
  if (words.has_ids()) return;
  plan.notes.emplace_back(
      "no tokenizer (--tokenizer): planned lengths count words; measured ones are the server's");
}

Result<Plan> make_plan(const DataOptions& options, const Words& words) {
  const bool from_file =
      options.name == "sharegpt" || options.name == "custom" || has_own_times(options.name);
  if (from_file && options.path.empty()) {
    return invalid("--dataset-name " + options.name + " needs --dataset-path");
  }
  Result<Plan> plan = invalid("--dataset-name " + options.name +
                              " is not known: write sharegpt, random, prefix_repetition, custom, "
                              "azure or mooncake");
  if (options.name == "random") plan = plan_random(options, words);
  if (options.name == "prefix_repetition") plan = plan_prefix_repetition(options, words);
  if (options.name == "sharegpt") plan = plan_sharegpt(options, words);
  if (options.name == "custom") plan = plan_custom(options, words);
  if (options.name == "azure") plan = plan_azure(options, words);
  if (options.name == "mooncake") plan = plan_mooncake(options, words);
  if (plan.ok()) note_tokenizer(*plan, words);
  return plan;
}

}  // namespace kilotoken::bench
