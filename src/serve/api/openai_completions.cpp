// POST /v1/completions: from the HTTP request to requests of the engine.

#include <algorithm>

#include "base/rng.h"
#include "model/text/tokenizer.h"
#include "serve/api/completion_answer.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

constexpr size_t kMostIgnoredBytes = 1000;  // of the header that lists unknown parameters

std::string random_id(std::string_view prefix) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(prefix);
  for (int word = 0; word < 2; ++word) {
    const uint64_t bits = entropy_seed();
    for (int shift = 60; shift >= 0; shift -= 4) id += kDigits[(bits >> shift) & 15];
  }
  return id;
}

// What sampling is when the request does not say: the model's own generation defaults, as in vLLM.
SamplingParams default_sampling(const ServedModel& model) {
  const auto& defaults = model.defaults();
  SamplingParams sampling;
  sampling.temperature = defaults.do_sample ? defaults.temperature.value_or(1.0f) : 0.0f;
  sampling.top_k = defaults.top_k.value_or(sampling.top_k);
  sampling.top_p = defaults.top_p.value_or(sampling.top_p);
  sampling.min_p = defaults.min_p.value_or(sampling.min_p);
  sampling.repetition_penalty = defaults.repetition_penalty.value_or(sampling.repetition_penalty);
  return sampling;
}

bool is_json(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, content_type.find_first_of("; \t"));
  constexpr std::string_view kJson = "application/json";
  return std::equal(media.begin(), media.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

Result<std::vector<int32_t>> tokenize(const ServedModel& model, const CompletionRequest& asked,
                                      const Prompt& prompt, const std::string& where) {
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&prompt)) return *ids;
  if (!model.tokenizer()) {
    return invalid("this model has no tokenizer: send the prompt as token ids", "prompt");
  }
  auto ids = model.tokenizer()->encode(std::get<std::string>(prompt), asked.add_special_tokens);
  if (!ids.ok()) return invalid(where + ": " + ids.error().message, "prompt");
  if (ids->empty()) return invalid(where + " must hold at least one token", "prompt");
  return ids;
}

// The limit for this prompt: as asked, or the default as far as there is room.
Result<int> max_tokens_for(const ServedModel& model, const CompletionRequest& asked,
                           size_t prompt_tokens) {
  const int64_t context = model.max_model_len();
  const int64_t room = context - static_cast<int64_t>(prompt_tokens);
  int64_t wanted = asked.sampling.max_tokens;
  if (!asked.max_tokens_given) wanted = std::max<int64_t>(1, std::min(wanted, room));
  if (wanted <= room) return static_cast<int>(wanted);
  return Error{ErrorCode::kTooLarge,
               "This model's maximum context length is " + std::to_string(context) +
                   " tokens. However, you requested " +
                   std::to_string(static_cast<int64_t>(prompt_tokens) + wanted) + " tokens (" +
                   std::to_string(prompt_tokens) + " in the prompt, " + std::to_string(wanted) +
                   " in the completion). Please reduce the length of the prompt or the completion.",
               "prompt"};
}

Result<std::vector<ServedPrompt>> make_prompts(ApiContext& context,
                                               const CompletionRequest& asked) {
  ServedModel& model = context.model;
  const RequestId first = context.next_request_id.fetch_add(asked.prompts.size());
  const int64_t arrival_ns = context.clock.now_ns();
  std::vector<ServedPrompt> served;
  for (size_t i = 0; i < asked.prompts.size(); ++i) {
    const std::string where =
        asked.prompts.size() == 1 ? "prompt" : "prompt[" + std::to_string(i) + "]";
    auto request = std::make_shared<Request>();
    request->id = first + i;
    request->arrival_ns = arrival_ns;
    KT_TRY(request->prompt, tokenize(model, asked, asked.prompts[i], where));
    request->sampling = asked.sampling;
    KT_TRY(request->sampling.max_tokens, max_tokens_for(model, asked, request->prompt.size()));
    request->sampling.seed =
        asked.seed ? static_cast<uint64_t>(*asked.seed) : model.seed_for_request();
    request->eos_token_ids = model.defaults().eos_token_ids;
    ServedPrompt prompt;
    if (asked.echo) {
      const auto* text = std::get_if<std::string>(&asked.prompts[i]);
      if (text) prompt.text = *text;
      if (!text && model.tokenizer()) {
        prompt.text =
            model.tokenizer()->decode(request->prompt, asked.sampling.skip_special_tokens);
      }
    }
    prompt.request = std::move(request);
    served.push_back(std::move(prompt));
  }
  return served;
}

Result<CompletionRequest> parse(const ApiContext& context, const HttpRequest& request) {
  KT_TRY(const Json body, parse_json(request.body, "the request body"));
  KT_TRY(CompletionRequest asked, parse_completion_request(body, default_sampling(context.model),
                                                           context.model.config().vocab_size));
  if (!asked.sampling.stop.empty() && !context.model.tokenizer()) {
    return invalid("this model has no tokenizer: use stop_token_ids instead of stop", "stop");
  }
  if (context.config.strict_params && !asked.ignored.empty()) {
    return invalid("unknown parameter: " + asked.ignored.front(), asked.ignored.front());
  }
  return asked;
}

HttpHeaders ignored_header(ApiContext& context, const std::vector<std::string>& ignored) {
  if (ignored.empty()) return {};
  context.ignored_params.add(static_cast<double>(ignored.size()));
  std::string names;
  for (const std::string& name : ignored) {
    if (names.size() + name.size() > kMostIgnoredBytes) {
      names += names.empty() ? "..." : ",...";
      break;
    }
    names += (names.empty() ? "" : ",") + name;
  }
  return {{"x-ignored-params", names}};
}

}  // namespace

void answer_completions(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  const auto refuse = [&writer](const Error& error) { writer->send(to_response(error)); };
  if (context.draining) {
    return refuse({ErrorCode::kUnavailable, "the server is shutting down", {}});
  }
  if (!is_json(request.header("content-type"))) {
    return writer->send(
        error_response(415, "invalid_request_error", "the content-type must be application/json"));
  }
  Result<CompletionRequest> asked = parse(context, request);
  if (!asked.ok()) return refuse(asked.error());
  if (!asked->model.empty() && !context.serves(asked->model)) {
    return writer->send(model_not_found(asked->model));
  }
  Result<std::vector<ServedPrompt>> prompts = make_prompts(context, *asked);
  if (!prompts.ok()) return refuse(prompts.error());
  CompletionHead head;
  head.id = random_id("cmpl-");
  head.model = asked->model.empty() ? context.config.served_model_names.front() : asked->model;
  head.created = context.clock.unix_s();
  head.headers = ignored_header(context, asked->ignored);
  const auto answer = std::make_shared<CompletionAnswer>(
      std::move(head), std::move(*asked), std::move(*prompts), context.model.tokenizer(), writer);
  const Result<void> accepted = CompletionAnswer::submit(answer, context.model.engine());
  if (!accepted.ok()) refuse(accepted.error());
}

}  // namespace kilotoken
