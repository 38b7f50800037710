#include "serve/api/completion_request.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "serve/api/json_fields.h"

namespace kilotoken {
namespace {

// Choices of all prompts of one request together; also bounds the prompts of a list.
constexpr int kMaxChoices = 2048;

constexpr std::array<std::string_view, 2> kUnsupported = {"suffix", "prompt_embeds"};

Result<std::vector<int32_t>> read_ids(const OrderedJson& list, const std::string& where,
                                      int vocab_size) {
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
Result<std::vector<Prompt>> read_prompts(const OrderedJson* value, int vocab_size) {
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
    const OrderedJson& item = (*value)[i];
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
  if (static_cast<int64_t>(request.prompts.size()) * request.sampling.n > kMaxChoices) {
    return invalid("n times the number of prompts must be at most " + std::to_string(kMaxChoices),
                   "n");
  }
  return {};
}

}  // namespace

Result<CompletionRequest> parse_completion_request(const OrderedJson& body,
                                                   const SamplingParams& defaults, int vocab_size) {
  KT_TRY_VOID(check_is_object(body));
  JsonFields fields(body);
  CompletionRequest request;
  request.sampling = defaults;
  SamplingParams& sampling = request.sampling;
  KT_TRY(request.prompts, read_prompts(fields.find("prompt"), vocab_size));
  KT_TRY_VOID(read_max_tokens(fields, "max_tokens", request));
  KT_TRY_VOID(fields.read("logprobs", sampling.logprobs));
  KT_TRY_VOID(read_generation(fields, request));
  KT_TRY_VOID(check_best_of(fields, sampling.n));
  KT_TRY_VOID(refuse_unsupported(fields, kUnsupported));
  KT_TRY_VOID(finish_generation(fields, vocab_size, request));
  KT_TRY_VOID(check_together(request));
  // The prompt's own tokens are scored for its echo.
  if (request.echo && sampling.logprobs) {
    sampling.prompt_logprobs = std::max(*sampling.logprobs, sampling.prompt_logprobs.value_or(0));
  }
  return request;
}

}  // namespace kilotoken
