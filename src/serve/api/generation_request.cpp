#include "serve/api/generation_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace kilotoken {
namespace {

// Fields that would change the answer.
constexpr std::array<std::string_view, 14> kUnsupported = {"use_beam_search",
                                                           "guided_json",
                                                           "guided_regex",
                                                           "guided_choice",
                                                           "guided_grammar",
                                                           "guided_decoding_backend",
                                                           "structured_outputs",
                                                           "response_format",
                                                           "bad_words",
                                                           "allowed_token_ids",
                                                           "truncate_prompt_tokens",
                                                           "logits_processors",
                                                           "kv_transfer_params",
                                                           "repetition_detection"};

// What clients of OpenAI send as a matter of course and what has no meaning here: who asks, how it
// is billed and stored.
constexpr std::array<std::string_view, 7> kWithoutEffect = {"user",
                                                            "metadata",
                                                            "store",
                                                            "service_tier",
                                                            "safety_identifier",
                                                            "prompt_cache_key",
                                                            "prompt_cache_retention"};

bool asks_for_nothing(const OrderedJson& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  if (value.is_array()) return value.empty();
  return value.is_object() && (value.empty() || value == OrderedJson({{"type", "text"}}));
}

Result<void> read_stop(JsonFields& fields, std::vector<std::string>& stop) {
  const OrderedJson* value = fields.find("stop");
  if (!value) return {};
  if (value->is_string()) {
    stop = {value->get<std::string>()};
    return {};
  }
  if (!value->is_array()) return fields.wrong_type("stop", "a string or a list of strings", *value);
  for (const OrderedJson& item : *value) {
    if (!item.is_string()) return fields.wrong_type("stop", "a string or a list of strings", item);
    stop.push_back(item.get<std::string>());
  }
  return {};
}

Result<void> read_logit_bias(JsonFields& fields, SamplingParams& sampling) {
  const OrderedJson* value = fields.find("logit_bias");
  if (!value) return {};
  if (!value->is_object()) {
    return fields.wrong_type("logit_bias", "an object of token ids and numbers", *value);
  }
  for (const auto& [key, bias] : value->items()) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc{} || end != key.data() + key.size()) {
      const auto replace = OrderedJson::error_handler_t::replace;
      const std::string shown = OrderedJson(key.substr(0, 40)).dump(-1, ' ', true, replace);
      return invalid("logit_bias must be keyed by token ids, not " + shown, "logit_bias");
    }
    if (!bias.is_number()) return fields.wrong_type("logit_bias", "numbers by token id", bias);
    // A value that float cannot hold becomes one that is out of range anyway.
    const double number = std::min(std::max(bias.get<double>(), -1e6), 1e6);
    sampling.logit_bias.emplace_back(id, static_cast<float>(number));
  }
  return {};
}

Result<void> read_sampling(JsonFields& fields, GenerationRequest& request) {
  SamplingParams& sampling = request.sampling;
  KT_TRY_VOID(fields.read("temperature", sampling.temperature));
  KT_TRY_VOID(fields.read("top_k", sampling.top_k));
  KT_TRY_VOID(fields.read("top_p", sampling.top_p));
  KT_TRY_VOID(fields.read("min_p", sampling.min_p));
  KT_TRY_VOID(fields.read("presence_penalty", sampling.presence_penalty));
  KT_TRY_VOID(fields.read("frequency_penalty", sampling.frequency_penalty));
  KT_TRY_VOID(fields.read("repetition_penalty", sampling.repetition_penalty));
  KT_TRY_VOID(read_logit_bias(fields, sampling));
  KT_TRY_VOID(fields.read("seed", request.seed));
  KT_TRY_VOID(fields.read("n", sampling.n));
  KT_TRY_VOID(fields.read("min_tokens", sampling.min_tokens));
  KT_TRY_VOID(fields.read("ignore_eos", sampling.ignore_eos));
  KT_TRY_VOID(fields.read("stop_token_ids", sampling.stop_token_ids));
  KT_TRY_VOID(read_stop(fields, sampling.stop));
  KT_TRY_VOID(fields.read("include_stop_str_in_output", sampling.include_stop_str_in_output));
  KT_TRY_VOID(fields.read("skip_special_tokens", sampling.skip_special_tokens));
  return fields.read("prompt_logprobs", sampling.prompt_logprobs);
}

Result<void> read_output_form(JsonFields& fields, GenerationRequest& request) {
  KT_TRY_VOID(fields.read("echo", request.echo));
  KT_TRY_VOID(fields.read("stream", request.stream));
  KT_TRY_VOID(fields.read("add_special_tokens", request.add_special_tokens));
  KT_TRY_VOID(fields.read("return_token_ids", request.return_token_ids));
  KT_TRY_VOID(fields.read("include_timings", request.include_timings));
  KT_TRY_VOID(fields.read("return_tokens_as_token_ids", request.tokens_as_ids));
  const OrderedJson* options = fields.find("stream_options");
  if (!options) return {};
  if (!options->is_object()) return fields.wrong_type("stream_options", "an object", *options);
  if (!request.stream) {
    return invalid("stream_options is only for requests with \"stream\": true", "stream_options");
  }
  JsonFields nested(*options, "stream_options.");
  KT_TRY_VOID(nested.read("include_usage", request.include_usage));
  KT_TRY_VOID(nested.read("continuous_usage_stats", request.continuous_usage));
  // As in vLLM, where these clients come from: the second does nothing without the first.
  request.continuous_usage = request.continuous_usage && request.include_usage;
  for (const std::string& name : nested.unknown()) {
    request.unknown.push_back("stream_options." + name);
  }
  return {};
}

}  // namespace

std::vector<std::string> GenerationRequest::ignored() const {
  std::vector<std::string> names = without_effect;
  names.insert(names.end(), unknown.begin(), unknown.end());
  return names;
}

Result<void> check_is_object(const OrderedJson& body) {
  if (body.is_object()) return {};
  return invalid("the request body must be a JSON object, not " +
                 std::string(JsonFields::kind(body)));
}

Result<void> refuse_unsupported(JsonFields& fields, std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    const OrderedJson* value = fields.find(name);
    if (value && !asks_for_nothing(*value)) {
      return Error{ErrorCode::kUnsupported, std::string(name) + " is not supported: leave it out",
                   std::string(name)};
    }
  }
  return {};
}

Result<void> read_generation(JsonFields& fields, GenerationRequest& request) {
  KT_TRY_VOID(fields.read("model", request.model));
  KT_TRY_VOID(fields.read("cache_salt", request.cache_salt));
  KT_TRY_VOID(read_sampling(fields, request));
  KT_TRY_VOID(read_output_form(fields, request));
  KT_TRY_VOID(refuse_unsupported(fields, kUnsupported));
  for (const std::string_view name : kWithoutEffect) {
    if (fields.find(name)) request.without_effect.emplace_back(name);
  }
  return {};
}

Result<void> read_max_tokens(JsonFields& fields, std::string_view name,
                             GenerationRequest& request) {
  std::optional<int> max_tokens;
  KT_TRY_VOID(fields.read(name, max_tokens));
  if (!max_tokens) return {};
  request.max_tokens_given = true;
  request.sampling.max_tokens = *max_tokens;
  return {};
}

Result<void> finish_generation(const JsonFields& fields, int vocab_size,
                               GenerationRequest& request) {
  SamplingParams& sampling = request.sampling;
  KT_TRY_VOID(validate(sampling, vocab_size));
  if (request.stream && sampling.prompt_logprobs) {
    return invalid("prompt_logprobs is not for requests with \"stream\": true", "prompt_logprobs");
  }
  request.shown_prompt_logprobs = sampling.prompt_logprobs;
  for (std::string& name : fields.unknown()) request.unknown.push_back(std::move(name));
  return {};
}

}  // namespace kilotoken
