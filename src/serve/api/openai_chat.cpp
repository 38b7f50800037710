// POST /v1/chat/completions: from the HTTP request to a request of the engine.

#include "serve/api/admission.h"
#include "serve/api/chat_messages.h"
#include "serve/api/chat_output.h"
#include "serve/api/chat_request.h"

namespace kilotoken {
namespace {

constexpr AnswerShape kShape{"chat.completion", "chat.completion.chunk",
                             make_choice_of<ChatChoice>};

// Who speaks in the answer, and what an echo repeats: what that one has already said.
TokenPrompt answer_to(const ApiContext& context, const ChatRequest& asked) {
  const OrderedJson& last = asked.chat.messages.back();
  TokenPrompt prompt;
  prompt.role = asked.chat.add_generation_prompt ? context.config.chat.response_role
                                                 : last["role"].get<std::string>();
  if (asked.echo && last["role"] == prompt.role) {
    OrderedJson joined = OrderedJson::array({last});
    join_contents(joined);
    prompt.echo = joined.back()["content"].get<std::string>();
  }
  return prompt;
}

Result<void> serve(ApiContext& context, const std::string& body, const Asker& asker,
                   const WriterPtr& writer) {
  const ServedModel& model = context.model;
  SamplingParams defaults = default_sampling(model);
  defaults.max_tokens = model.max_model_len();  // as far as there is room
  KT_TRY(const OrderedJson json, parse_ordered_json(body, "the request body"));
  KT_TRY(ChatRequest asked, parse_chat_request(json, defaults, model.config().vocab_size));
  KT_TRY_VOID(check_generation(context, asked));
  TokenPrompt prompt = answer_to(context, asked);
  KT_TRY(prompt.tokens, chat_tokens(context, asked.chat, asked.add_special_tokens));
  GenerationJob job{kShape, "chatcmpl-", "messages", asker, std::move(asked), {}};
  job.prompts.push_back(std::move(prompt));
  return admit(context, std::move(job), writer);
}

}  // namespace

void answer_chat(ApiContext& context, const HttpRequest& request, const WriterPtr& writer) {
  answer_from_body(context, request, writer, serve);
}

}  // namespace kilotoken
