#include "serve/api/chat_prompt.h"

#include <array>
#include <string_view>

#include "model/text/chat_template.h"
#include "serve/api/chat_messages.h"

namespace kilotoken {
namespace {

// Variables of the template that fields of the request set.
constexpr std::array<std::string_view, 7> kReserved = {
    "messages",      "tools",   "documents", "add_generation_prompt", "continue_final_message",
    "chat_template", "tokenize"};

Result<void> read_documents(JsonFields& fields, OrderedJson& documents) {
  const OrderedJson* value = fields.find("documents");
  if (!value) return {};
  constexpr std::string_view kWanted = "a list of objects";
  if (!value->is_array()) return fields.wrong_type("documents", kWanted, *value);
  for (const OrderedJson& document : *value) {
    if (!document.is_object()) return fields.wrong_type("documents", kWanted, document);
  }
  documents = *value;
  return {};
}

Result<void> read_template_kwargs(JsonFields& fields, OrderedJson& kwargs) {
  const std::string name = "chat_template_kwargs";
  const OrderedJson* value = fields.find(name);
  if (!value) return {};
  if (!value->is_object()) return fields.wrong_type(name, "an object", *value);
  for (const std::string_view reserved : kReserved) {
    if (!value->contains(reserved)) continue;
    return invalid(name + "." + std::string(reserved) + " is not for the template alone: send " +
                       std::string(reserved) + " as a field of the request",
                   name);
  }
  kwargs = *value;
  return {};
}

// The model's template, or the request's own where the operator allows that.
Result<ChatTemplate> template_for(const ApiContext& context, const Conversation& chat) {
  if (chat.chat_template.empty()) return context.model.chat_template();
  if (context.config.chat.trust_request_template) {
    return ChatTemplate::compile(chat.chat_template, context.model.special_tokens(),
                                 "chat_template");
  }
  return Error{ErrorCode::kUnsupported,
               "chat_template is not supported in requests: leave it out (or start the server with "
               "--trust-request-chat-template)",
               "chat_template"};
}

Result<std::string> render(const ApiContext& context, const ChatTemplate& chat_template,
                           const Conversation& chat) {
  ChatInput input;
  input.messages = chat.messages;
  const ContentShape shape =
      context.config.chat.content_shape.value_or(chat_template.content_shape());
  if (shape == ContentShape::kText) join_contents(input.messages);
  input.documents = chat.documents;
  input.extra = chat.template_kwargs;
  input.add_generation_prompt = chat.add_generation_prompt;
  input.continue_final_message = chat.continue_final_message;
  input.now_unix_s = context.clock.unix_s();
  return chat_template.render(input);
}

Result<std::vector<int32_t>> tokenize(const ServedModel& model, const std::string& text,
                                      bool add_special_tokens) {
  auto ids = model.tokenizer()->encode(text, add_special_tokens);
  if (!ids.ok()) return invalid("messages: " + ids.error().message, "messages");
  // Most templates write the token that begins a text, and the tokenizer has added another.
  if (add_special_tokens && ids->size() > 1 && (*ids)[0] == (*ids)[1]) {
    KT_TRY(const std::vector<int32_t> added, model.tokenizer()->encode("", true));
    if (!added.empty() && added.front() == ids->front()) ids->erase(ids->begin());
  }
  if (ids->empty()) {
    return invalid("the chat template makes an empty prompt of these messages", "messages");
  }
  return ids;
}

}  // namespace

Result<Conversation> read_chat(JsonFields& fields) {
  Conversation chat;
  KT_TRY(chat.messages, read_messages(fields.find("messages")));
  KT_TRY_VOID(fields.read("chat_template", chat.chat_template));
  KT_TRY_VOID(fields.read("add_generation_prompt", chat.add_generation_prompt));
  KT_TRY_VOID(fields.read("continue_final_message", chat.continue_final_message));
  if (chat.continue_final_message && chat.add_generation_prompt) {
    return invalid(
        "continue_final_message and add_generation_prompt cannot both be true: send "
        "\"add_generation_prompt\": false",
        "continue_final_message");
  }
  KT_TRY_VOID(read_template_kwargs(fields, chat.template_kwargs));
  KT_TRY_VOID(read_documents(fields, chat.documents));
  return chat;
}

Result<std::vector<int32_t>> chat_tokens(const ApiContext& context, const Conversation& chat,
                                         bool add_special_tokens) {
  if (!context.model.tokenizer()) {
    return invalid("this model has no tokenizer: send token ids to /v1/completions", "messages");
  }
  KT_TRY(const ChatTemplate chat_template, template_for(context, chat));
  KT_TRY(const std::string text, render(context, chat_template, chat));
  return tokenize(context.model, text, add_special_tokens);
}

}  // namespace kilotoken
