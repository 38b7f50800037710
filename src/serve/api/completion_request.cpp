#include "serve/api/completion_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "serve/api/json_fields.h"

namespace kilotoken {
namespace {

// Choices of all prompts of one request together; also bounds the prompts of a list.
constexpr int kMaxChoices = 2048;

// Fields that would change the answer. They are refused unless they ask for nothing.
constexpr std::array<std::string_view, 15> kUnsupported = {"suffix",
                                                           "use_beam_search",
                                                           "guided_json",
                                                           "guided_regex",
                                                           "guided_choice",
                                                           "guided_grammar",
                                                           "structured_outputs",
                                                           "response_format",
                                                           "bad_words",
                                                           "allowed_token_ids",
                                                           "prompt_embeds",
                                                           "truncate_prompt_tokens",
                                                           "logits_processors",
                                                           "kv_transfer_params",
                                                           "repetition_detection"};

bool asks_for_nothing(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  if (value.is_array()) return value.empty();
  return value.is_object() && (value.empty() || value == Json({{"type", "text"}}));
}

Result<void> refuse_unsupported(JsonFields& fields) {
  for (const std::string_view name : kUnsupported) {
    const Json* value = fields.find(name);
    if (value && !asks_for_nothing(*value)) {
      return Error{ErrorCode::kUnsupported, std::string(name) + " is not supported: leave it out",
                   std::string(name)};
    }
  }
  return {};
}

Result<std::vector<int32_t>> read_ids(const Json& list, const std::string& where, int vocab_size) {
  std::vector<int32_t> ids;
  ids.reserve(list.size());
  for (size_t i = 0; i < list.size(); ++i) {
    const auto id = whole_number(list[i]);
    if (!id) {
      return invalid(where + "[" + std::to_string(i) + "] must be a token id, not " +
                         std::string(JsonFields::kind(list[i])),
                     "prompt");
    }
    if (*id < 0 || *id >= vocab_size) {
      return invalid(where + "[" + std::to_string(i) + "] must be a token id from 0 to " +
                         std::to_string(vocab_size - 1) + ", not " + std::to_string(*id),
                     "prompt");
    }
    ids.push_back(static_cast<int32_t>(*id));
  }
  if (ids.empty()) return invalid(where + " must hold at least one token", "prompt");
  return ids;
}

// A string, a list of token ids, or a list of either.
Result<std::vector<Prompt>> read_prompts(const Json* value, int vocab_size) {
  if (!value) return invalid("prompt is missing", "prompt");
  std::vector<Prompt> prompts;
  if (value->is_string()) {
    prompts.emplace_back(value->get<std::string>());
    return prompts;
  }
  if (!value->is_array()) {
    return invalid("prompt must be a string, a list of token ids, or a list of either, not " +
                       std::string(JsonFields::kind(*value)),
                   "prompt");
  }
  if (value->empty()) return invalid("prompt must not be an empty list", "prompt");
  if (value->front().is_number()) {
    KT_TRY(auto ids, read_ids(*value, "prompt", vocab_size));
    prompts.emplace_back(std::move(ids));
    return prompts;
  }
  if (value->size() > kMaxChoices) {
    return invalid("prompt must be a list of at most " + std::to_string(kMaxChoices) +
                       " prompts, not " + std::to_string(value->size()),
                   "prompt");
  }
  for (size_t i = 0; i < value->size(); ++i) {
    const Json& item = (*value)[i];
    const std::string where = "prompt[" + std::to_string(i) + "]";
    if (item.is_string()) {
      prompts.emplace_back(item.get<std::string>());
    } else if (item.is_array()) {
      KT_TRY(auto ids, read_ids(item, where, vocab_size));
      prompts.emplace_back(std::move(ids));
    } else {
      return invalid(where + " must be a string or a list of token ids, not " +
                         std::string(JsonFields::kind(item)),
                     "prompt");
    }
  }
  return prompts;
}

Result<void> read_stop(JsonFields& fields, std::vector<std::string>& stop) {
  const Json* value = fields.find("stop");
  if (!value) return {};
  if (value->is_string()) {
    stop = {value->get<std::string>()};
    return {};
  }
  if (!value->is_array()) return fields.wrong_type("stop", "a string or a list of strings", *value);
  for (const Json& item : *value) {
    if (!item.is_string()) return fields.wrong_type("stop", "a string or a list of strings", item);
    stop.push_back(item.get<std::string>());
  }
  return {};
}

Result<void> read_logit_bias(JsonFields& fields, SamplingParams& sampling) {
  const Json* value = fields.find("logit_bias");
  if (!value) return {};
  if (!value->is_object()) {
    return fields.wrong_type("logit_bias", "an object of token ids and numbers", *value);
  }
  for (const auto& [key, bias] : value->items()) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc{} || end != key.data() + key.size()) {
      const auto replace = Json::error_handler_t::replace;
      const std::string shown = Json(key.substr(0, 40)).dump(-1, ' ', true, replace);
      return invalid("logit_bias must be keyed by token ids, not " + shown, "logit_bias");
    }
    if (!bias.is_number()) return fields.wrong_type("logit_bias", "numbers by token id", bias);
    // A value that float cannot hold becomes one that is out of range anyway.
    const double number = std::min(std::max(bias.get<double>(), -1e6), 1e6);
    sampling.logit_bias.emplace_back(id, static_cast<float>(number));
  }
  return {};
}

Result<void> read_sampling(JsonFields& fields, CompletionRequest& request) {
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
  std::optional<int> max_tokens;
  KT_TRY_VOID(fields.read("max_tokens", max_tokens));
  request.max_tokens_given = max_tokens.has_value();
  sampling.max_tokens = max_tokens.value_or(sampling.max_tokens);
  KT_TRY_VOID(fields.read("min_tokens", sampling.min_tokens));
  KT_TRY_VOID(fields.read("ignore_eos", sampling.ignore_eos));
  KT_TRY_VOID(fields.read("stop_token_ids", sampling.stop_token_ids));
  KT_TRY_VOID(read_stop(fields, sampling.stop));
  KT_TRY_VOID(fields.read("include_stop_str_in_output", sampling.include_stop_str_in_output));
  KT_TRY_VOID(fields.read("skip_special_tokens", sampling.skip_special_tokens));
  KT_TRY_VOID(fields.read("logprobs", sampling.logprobs));
  return fields.read("prompt_logprobs", sampling.prompt_logprobs);
}

Result<void> read_output_form(JsonFields& fields, CompletionRequest& request) {
  KT_TRY_VOID(fields.read("echo", request.echo));
  KT_TRY_VOID(fields.read("stream", request.stream));
  KT_TRY_VOID(fields.read("add_special_tokens", request.add_special_tokens));
  KT_TRY_VOID(fields.read("return_token_ids", request.return_token_ids));
  KT_TRY_VOID(fields.read("return_tokens_as_token_ids", request.tokens_as_ids));
  const Json* options = fields.find("stream_options");
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
    request.ignored.push_back("stream_options." + name);
  }
  return {};
}

// best_of is the number of candidates of which n are returned: only "all of them" is built.
Result<void> check_best_of(JsonFields& fields, int n) {
  std::optional<int> best_of;
  KT_TRY_VOID(fields.read("best_of", best_of));
  if (!best_of || *best_of == n) return {};
  return Error{ErrorCode::kUnsupported,
               "best_of is not supported: leave it out, or make it equal to n", "best_of"};
}

Result<void> check_together(const CompletionRequest& request) {
  if (request.sampling.max_tokens == 0 && !request.echo && !request.sampling.prompt_logprobs) {
    return invalid("max_tokens must be at least 1 unless echo is true", "max_tokens");
  }
  if (request.stream && request.sampling.prompt_logprobs) {
    return invalid("prompt_logprobs is not for requests with \"stream\": true", "prompt_logprobs");
  }
  if (static_cast<int64_t>(request.prompts.size()) * request.sampling.n > kMaxChoices) {
    return invalid("n times the number of prompts must be at most " + std::to_string(kMaxChoices),
                   "n");
  }
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion_request(const Json& body, const SamplingParams& defaults,
                                                   int vocab_size) {
  if (!body.is_object()) {
    return invalid("the request body must be a JSON object, not " +
                   std::string(JsonFields::kind(body)));
  }
  JsonFields fields(body);
  CompletionRequest request;
  request.sampling = defaults;
  KT_TRY_VOID(fields.read("model", request.model));
  KT_TRY(request.prompts, read_prompts(fields.find("prompt"), vocab_size));
  KT_TRY_VOID(read_sampling(fields, request));
  KT_TRY_VOID(read_output_form(fields, request));
  KT_TRY_VOID(check_best_of(fields, request.sampling.n));
  KT_TRY_VOID(refuse_unsupported(fields));
  KT_TRY_VOID(validate(request.sampling, vocab_size));
  KT_TRY_VOID(check_together(request));
  // The prompt's own tokens are scored for its echo.
  SamplingParams& sampling = request.sampling;
  request.shown_prompt_logprobs = sampling.prompt_logprobs;
  if (request.echo && sampling.logprobs) {
    sampling.prompt_logprobs = std::max(*sampling.logprobs, sampling.prompt_logprobs.value_or(0));
  }
  for (std::string& name : fields.unknown()) request.ignored.push_back(std::move(name));
  return request;
}

}  // namespace kilotoken
