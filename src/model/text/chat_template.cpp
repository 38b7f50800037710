#include "model/text/chat_template.h"

#include <algorithm>
#include <optional>

#include "model/jinja/template.h"
#include "model/jinja/unicode.h"

namespace kilotoken {
namespace {

// Marks where the last message ends; the blank shows whether the template trims what it is given.
constexpr std::string_view kEndMark = "CONTINUE_FINAL_MESSAGE_TAG ";

Result<void> check_list(const OrderedJson& value, const std::string& name, bool may_be_null) {
  if (may_be_null && value.is_null()) return {};
  if (!value.is_array()) return invalid(name + " must be an array", name);
  for (const OrderedJson& item : value) {
    if (!item.is_object()) return invalid("every element of " + name + " must be an object", name);
  }
  return {};
}

// The text of the last message that a continuation goes on from: its content, or the last part of
// it that has a text.
Result<std::string*> text_to_continue(OrderedJson& messages) {
  const auto refuse = [](const std::string& why) {
    return invalid("continue_final_message: " + why, "continue_final_message");
  };
  if (messages.empty()) return refuse("there is no message to continue");
  const auto content = messages.back().find("content");
  if (content == messages.back().end() || content->is_null()) {
    return refuse("the final message has no content to continue");
  }
  if (content->is_string()) return content->get_ptr<std::string*>();
  if (content->is_array()) {
    for (auto part = content->rbegin(); part != content->rend(); ++part) {
      if (!part->is_object()) continue;
      const auto text = part->find("text");
      if (text != part->end() && text->is_string()) return text->get_ptr<std::string*>();
    }
  }
  return refuse("the final message has no text to continue");
}

Result<bool> flag(const OrderedJson& extra, const std::string& name, bool otherwise) {
  if (!extra.is_object() || !extra.contains(name)) return otherwise;
  const OrderedJson& value = extra.at(name);
  if (!value.is_boolean()) {
    return invalid("chat_template_kwargs." + name + " must be a boolean", "chat_template_kwargs");
  }
  return value.get<bool>();
}

// Cuts a rendered text behind the last message, as transformers does.
Result<std::string> cut_at_mark(std::string rendered, const std::string& message) {
  const std::string_view bare = kEndMark.substr(0, kEndMark.size() - 1);
  const size_t mark = rendered.rfind(bare);
  const std::string_view wanted = jinja::strip(message);
  if (mark == std::string::npos || jinja::find_bytes(rendered, wanted) == std::string::npos) {
    return invalid(
        "continue_final_message: the chat template does not write the final message as it is, so "
        "it cannot be continued",
        "continue_final_message");
  }
  const bool keeps_space = std::string_view(rendered).substr(mark).starts_with(kEndMark);
  rendered.resize(mark);
  if (!keeps_space) rendered.resize(jinja::strip_right(rendered).size());
  return rendered;
}

}  // namespace

ChatTemplate::ChatTemplate(std::shared_ptr<const jinja::Template> parsed,
                           SpecialTokens special_tokens, std::string where)
    : parsed_(std::move(parsed)),
      special_tokens_(std::move(special_tokens)),
      where_(std::move(where)),
      content_shape_(parsed_->loops_over_item("messages", "content") ? ContentShape::kParts
                                                                     : ContentShape::kText) {}

Result<ChatTemplate> ChatTemplate::compile(std::string_view source, SpecialTokens special_tokens,
                                           std::string_view where) {
  const std::string name = std::string(where) + ": chat template";
  KT_TRY(auto parsed, jinja::Template::parse(source, name));
  return ChatTemplate(std::move(parsed), std::move(special_tokens), std::string(where));
}

Result<std::string> ChatTemplate::render(const ChatInput& input) const {
  KT_TRY_VOID(check_list(input.messages, "messages", false));
  KT_TRY_VOID(check_list(input.tools, "tools", true));
  KT_TRY_VOID(check_list(input.documents, "documents", true));
  if (!input.extra.is_null() && !input.extra.is_object()) {
    return invalid("chat_template_kwargs must be an object", "chat_template_kwargs");
  }
  KT_TRY(const bool generates,
         flag(input.extra, "add_generation_prompt", input.add_generation_prompt));
  KT_TRY(const bool continues,
         flag(input.extra, "continue_final_message", input.continue_final_message));
  if (generates && continues) {
    return invalid(
        "continue_final_message and add_generation_prompt exclude each other: set one to false",
        "continue_final_message");
  }
  OrderedJson variables = OrderedJson::object();
  for (const auto& [name, text] : special_tokens_) variables[name] = text;
  variables["messages"] = input.messages;
  variables["tools"] = input.tools;
  variables["documents"] = input.documents;
  variables["add_generation_prompt"] = generates;
  if (input.extra.is_object()) {
    for (const auto& [name, value] : input.extra.items()) {
      if (name == "messages") {
        return invalid("chat_template_kwargs may not replace messages", "chat_template_kwargs");
      }
      if (name != "continue_final_message") variables[name] = value;
    }
  }
  std::string continued;
  if (continues) {
    KT_TRY(std::string * text, text_to_continue(variables["messages"]));
    continued = *text;
    *text += kEndMark;
  }
  KT_TRY(std::string rendered, parsed_->render(variables, input.now_unix_s));
  if (!continues) return rendered;
  return cut_at_mark(std::move(rendered), continued);
}

}  // namespace kilotoken
