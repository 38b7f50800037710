#include "serve/api/chat_messages.h"

#include <string>
#include <utility>

#include "serve/api/json_fields.h"

namespace kilotoken {
namespace {

Error wrong(const std::string& where, std::string_view wanted, const OrderedJson& value) {
  return invalid(
      where + " must be " + std::string(wanted) + ", not " + std::string(JsonFields::kind(value)),
      where);
}

std::string element(const std::string& list, size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

// Null when absent or null.
const OrderedJson* member(const OrderedJson& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

OrderedJson text_part(const std::string& text) { return {{"type", "text"}, {"text", text}}; }

// The key that holds the text of a part of this type; null for parts that are not text.
const char* text_key(const std::string& type) {
  if (type == "text" || type == "input_text" || type == "output_text") return "text";
  if (type == "refusal") return "refusal";
  return nullptr;
}

Result<OrderedJson> read_part(const OrderedJson& part, const std::string& where) {
  if (part.is_string()) return text_part(part.get_ref<const std::string&>());
  if (!part.is_object()) return wrong(where, "an object", part);
  const OrderedJson* type = member(part, "type");
  if (!type) return invalid(where + ".type is missing", where + ".type");
  if (!type->is_string()) return wrong(where + ".type", "a string", *type);
  const char* key = text_key(type->get_ref<const std::string&>());
  if (!key) {
    const auto replace = OrderedJson::error_handler_t::replace;
    const std::string shown = type->get_ref<const std::string&>().substr(0, 40);
    return Error{ErrorCode::kUnsupported,
                 where + ": content of type " + OrderedJson(shown).dump(-1, ' ', true, replace) +
                     " is not supported: this model takes text only",
                 where + ".type"};
  }
  const OrderedJson* text = member(part, key);
  const std::string text_where = where + "." + key;
  if (!text) return invalid(text_where + " is missing", text_where);
  if (!text->is_string()) return wrong(text_where, "a string", *text);
  return text_part(text->get_ref<const std::string&>());
}

Result<OrderedJson> read_content(const OrderedJson& content, const std::string& where) {
  OrderedJson parts = OrderedJson::array();
  if (content.is_null()) return parts;
  if (content.is_string()) {
    parts.push_back(text_part(content.get_ref<const std::string&>()));
    return parts;
  }
  if (!content.is_array()) return wrong(where, "a string or a list of parts", content);
  for (size_t i = 0; i < content.size(); ++i) {
    KT_TRY(OrderedJson part, read_part(content[i], element(where, i)));
    parts.push_back(std::move(part));
  }
  return parts;
}

// Clients send the arguments as text; templates print them as an object.
Result<void> parse_arguments(OrderedJson& call, const std::string& where) {
  if (!call.is_object()) return wrong(where, "an object", call);
  const auto function = call.find("function");
  if (function == call.end()) return invalid(where + ".function is missing", where + ".function");
  if (!function->is_object()) return wrong(where + ".function", "an object", *function);
  const std::string name = where + ".function.arguments";
  OrderedJson& arguments = (*function)["arguments"];
  if (arguments.is_object()) return {};
  if (!arguments.is_null() && !arguments.is_string()) {
    return wrong(name, "a string of JSON", arguments);
  }
  OrderedJson parsed = OrderedJson::object();
  if (arguments.is_string() && !arguments.get_ref<const std::string&>().empty()) {
    auto value = parse_ordered_json(arguments.get_ref<const std::string&>(), name);
    if (!value.ok()) return invalid(value.error().message, name);
    parsed = std::move(*value);
  }
  arguments = std::move(parsed);
  return {};
}

Result<OrderedJson> read_tool_calls(const OrderedJson& value, const std::string& where) {
  if (!value.is_array()) return wrong(where, "a list", value);
  OrderedJson calls = value;
  for (size_t i = 0; i < calls.size(); ++i) {
    KT_TRY_VOID(parse_arguments(calls[i], element(where, i)));
  }
  return calls;
}

Result<std::string> read_role(const OrderedJson& message, const std::string& where) {
  const OrderedJson* role = member(message, "role");
  if (!role) return invalid(where + ".role is missing", where + ".role");
  if (!role->is_string()) return wrong(where + ".role", "a string", *role);
  if (role->get_ref<const std::string&>().empty()) {
    return invalid(where + ".role must not be empty", where + ".role");
  }
  return role->get<std::string>();
}

Result<OrderedJson> read_message(const OrderedJson& message, const std::string& where) {
  if (!message.is_object()) return wrong(where, "an object", message);
  KT_TRY(const std::string role, read_role(message, where));
  // Appended to as a list: looking for each key would take quadratic time.
  OrderedJson::object_t out;
  out.reserve(message.size() + 3);
  out.emplace_back("role", role);
  const auto content = message.find("content");
  // An assistant's message may be tool calls alone.
  if (content == message.end() && role != "assistant") {
    return invalid(where + ".content is missing", where + ".content");
  }
  const OrderedJson none;
  KT_TRY(OrderedJson parts,
         read_content(content == message.end() ? none : *content, where + ".content"));
  out.emplace_back("content", std::move(parts));
  for (const auto& [key, value] : message.items()) {
    if (key == "role" || key == "content" || value.is_null()) continue;
    if (key == "tool_calls") {
      KT_TRY(OrderedJson calls, read_tool_calls(value, where + ".tool_calls"));
      if (!calls.empty()) out.emplace_back(key, std::move(calls));
    } else {
      out.emplace_back(key, value);
    }
  }
  // The same thing under two names: templates read the older one.
  const OrderedJson* reasoning = member(message, "reasoning");
  if (reasoning && !member(message, "reasoning_content")) {
    out.emplace_back("reasoning_content", *reasoning);
  }
  return OrderedJson(std::move(out));
}

}  // namespace

Result<OrderedJson> read_messages(const OrderedJson* value) {
  constexpr size_t kMost = 100'000;
  const std::string name = "messages";
  if (!value) return invalid("messages is missing", name);
  if (!value->is_array()) return wrong(name, "a list of messages", *value);
  if (value->empty()) return invalid("messages must hold at least one message", name);
  if (value->size() > kMost) {
    return invalid("messages must be a list of at most " + std::to_string(kMost) +
                       " messages, not " + std::to_string(value->size()),
                   name);
  }
  OrderedJson messages = OrderedJson::array();
  for (size_t i = 0; i < value->size(); ++i) {
    KT_TRY(OrderedJson message, read_message((*value)[i], element(name, i)));
    messages.push_back(std::move(message));
  }
  return messages;
}

void join_contents(OrderedJson& messages) {
  for (OrderedJson& message : messages) {
    std::string text;
    bool first = true;
    for (const OrderedJson& part : message["content"]) {
      if (!std::exchange(first, false)) text += '\n';
      text += part["text"].get_ref<const std::string&>();
    }
    message["content"] = std::move(text);
  }
}

}  // namespace kilotoken
