#include "engine/sampling/sampling_params.h"

#include <cmath>
#include <sstream>
#include <string_view>

namespace kilotoken {
namespace {

constexpr int kMaxChoices = 128;
constexpr int kMaxLogprobs = 20;
constexpr size_t kMaxStopStrings = 16;
constexpr float kMaxBias = 100.0f;

template <typename... Parts>
Error out_of_range(std::string_view field, const Parts&... parts) {
  std::ostringstream message;
  message << field << " must be ";
  (message << ... << parts);
  return invalid(message.str(), std::string(field));
}

// NaN is in no range: every comparison with it is false.
Result<void> check_between(std::string_view field, float value, float low, float high) {
  if (value >= low && value <= high) return {};
  return out_of_range(field, "between ", low, " and ", high, ", not ", value);
}

Result<void> check_numbers(const SamplingParams& params) {
  if (!(params.temperature >= 0) || !std::isfinite(params.temperature)) {
    return out_of_range("temperature", "0 or more, not ", params.temperature);
  }
  if (params.top_k < -1) {
    return out_of_range("top_k", "-1 or 0 (off) or at least 1, not ", params.top_k);
  }
  if (!(params.top_p > 0 && params.top_p <= 1)) {
    return out_of_range("top_p", "above 0 and at most 1, not ", params.top_p);
  }
  KT_TRY_VOID(check_between("min_p", params.min_p, 0, 1));
  KT_TRY_VOID(check_between("presence_penalty", params.presence_penalty, -2, 2));
  KT_TRY_VOID(check_between("frequency_penalty", params.frequency_penalty, -2, 2));
  if (!(params.repetition_penalty > 0) || !std::isfinite(params.repetition_penalty)) {
    return out_of_range("repetition_penalty", "above 0, not ", params.repetition_penalty);
  }
  return {};
}

Result<void> check_counts(const SamplingParams& params) {
  if (params.n < 1 || params.n > kMaxChoices) {
    return out_of_range("n", "between 1 and ", kMaxChoices, ", not ", params.n);
  }
  if (params.max_tokens < 0) {
    return out_of_range("max_tokens", "0 or more, not ", params.max_tokens);
  }
  if (params.min_tokens < 0 || params.min_tokens > params.max_tokens) {
    return out_of_range("min_tokens", "between 0 and max_tokens (", params.max_tokens, "), not ",
                        params.min_tokens);
  }
  const auto alternatives = [](std::string_view field, std::optional<int> count) -> Result<void> {
    if (!count || (*count >= 0 && *count <= kMaxLogprobs)) return {};
    return out_of_range(field, "between 0 and ", kMaxLogprobs, ", not ", *count);
  };
  KT_TRY_VOID(alternatives("logprobs", params.logprobs));
  return alternatives("prompt_logprobs", params.prompt_logprobs);
}

Result<void> check_lists(const SamplingParams& params, int vocab_size) {
  const auto known = [vocab_size](int32_t id) { return id >= 0 && id < vocab_size; };
  for (const auto& [id, bias] : params.logit_bias) {
    if (!known(id)) {
      return out_of_range("logit_bias", "keyed by token ids from 0 to ", vocab_size - 1, ", not ",
                          id);
    }
    if (!(bias >= -kMaxBias && bias <= kMaxBias)) {
      return out_of_range("logit_bias", "between ", -kMaxBias, " and ", kMaxBias, ", not ", bias,
                          " (token ", id, ")");
    }
  }
  for (const int32_t id : params.stop_token_ids) {
    if (!known(id)) {
      return out_of_range("stop_token_ids", "token ids from 0 to ", vocab_size - 1, ", not ", id);
    }
  }
  if (params.stop.size() > kMaxStopStrings) {
    return out_of_range("stop", "at most ", kMaxStopStrings, " strings, not ", params.stop.size());
  }
  for (const std::string& text : params.stop) {
    if (text.empty()) return out_of_range("stop", "strings of at least one character");
  }
  return {};
}

}  // namespace

Result<void> validate(const SamplingParams& params, int vocab_size) {
  KT_TRY_VOID(check_numbers(params));
  KT_TRY_VOID(check_counts(params));
  return check_lists(params, vocab_size);
}

}  // namespace kilotoken
