// POST /v1/completions: from the HTTP request to requests of the engine.

#include "model/text/tokenizer.h"
#include "serve/api/admission.h"
#include "serve/api/completion_output.h"
#include "serve/api/completion_request.h"

namespace kilotoken {
namespace {

constexpr AnswerShape kShape{"text_completion", "text_completion",
                             make_choice_of<CompletionChoice>};

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

std::string echo_of(const ServedModel& model, const CompletionRequest& asked, const Prompt& prompt,
                    const std::vector<int32_t>& tokens) {
  if (!asked.echo) return {};
  if (const auto* text = std::get_if<std::string>(&prompt)) return *text;
  if (!model.tokenizer()) return {};
  return model.tokenizer()->decode(tokens, asked.sampling.skip_special_tokens);
}

Result<void> serve(ApiContext& context, const std::string& body, const Asker& asker,
                   const WriterPtr& writer) {
  const ServedModel& model = context.model;
  KT_TRY(const OrderedJson json, parse_ordered_json(body, "the request body"));
  KT_TRY(const CompletionRequest asked,
         parse_completion_request(json, default_sampling(model), model.config().vocab_size));
  KT_TRY_VOID(check_generation(context, asked));
  GenerationJob job{kShape, "cmpl-", "prompt", asker, asked, {}};
  for (size_t i = 0; i < asked.prompts.size(); ++i) {
    const std::string where =
        asked.prompts.size() == 1 ? "prompt" : "prompt[" + std::to_string(i) + "]";
    TokenPrompt prompt;
    KT_TRY(prompt.tokens, tokenize(model, asked, asked.prompts[i], where));
    prompt.echo = echo_of(model, asked, asked.prompts[i], prompt.tokens);
    job.prompts.push_back(std::move(prompt));
  }
  return admit(context, std::move(job), writer);
}

}  // namespace

void answer_completions(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  answer_from_body(context, request, writer, serve);
}

}  // namespace kilotoken
