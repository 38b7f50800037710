#include "measure/bench/request_body.h"

#include "base/json.h"

namespace kilotoken::bench {
namespace {

OrderedJson message(const char* role, const std::string& content) {
  return {{"role", role}, {"content", content}};
}

OrderedJson messages_of(const Session& session, size_t turn, const Said& said) {
  OrderedJson messages = OrderedJson::array();
  if (!session.system.empty()) messages.push_back(message("system", session.system));
  for (size_t i = 0; i < said.asked.size(); ++i) {
    messages.push_back(message("user", said.asked[i]));
    messages.push_back(message("assistant", said.answered[i]));
  }
  messages.push_back(message("user", session.turns[turn].text));
  return messages;
}

OrderedJson prompt_of(const Session& session, size_t turn, const Said& said) {
  const Turn& now = session.turns[turn];
  if (!now.ids.empty()) return now.ids;
  return prompt_text(session, turn, said);
}

}  // namespace

std::string prompt_text(const Session& session, size_t turn, const Said& said) {
  std::string prompt;
  if (!session.system.empty()) prompt = session.system + "\n\n";
  for (size_t i = 0; i < said.asked.size(); ++i) {
    prompt = answered_text(prompt + said.asked[i], said.answered[i]) + "\n";
  }
  const Turn& now = session.turns[turn];
  for (const int32_t id : now.ids) prompt.append(reinterpret_cast<const char*>(&id), sizeof id);
  return prompt + now.text;
}

std::string answered_text(const std::string& prompt, const std::string& answer) {
  return prompt + "\n" + answer;
}

std::string request_body(const RequestShape& shape, const Session& session, size_t turn,
                         const Said& said) {
  OrderedJson body = {{"model", shape.model}};
  if (shape.chat) {
    body["messages"] = messages_of(session, turn, said);
  } else {
    body["prompt"] = prompt_of(session, turn, said);
  }
  body["max_tokens"] = session.turns[turn].max_tokens;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  if (shape.continuous_usage) body["stream_options"]["continuous_usage_stats"] = true;
  if (shape.ignore_eos) body["ignore_eos"] = true;
  if (shape.server_timings) body["include_timings"] = true;
  const auto add = [&](const char* name, const auto& value) {
    if (value) body[name] = *value;
  };
  add("temperature", shape.temperature);
  add("top_p", shape.top_p);
  add("top_k", shape.top_k);
  add("min_p", shape.min_p);
  add("frequency_penalty", shape.frequency_penalty);
  add("presence_penalty", shape.presence_penalty);
  add("repetition_penalty", shape.repetition_penalty);
  add("logprobs", shape.logprobs);
  add("seed", shape.seed);
  if (!shape.extra_json.empty()) body.update(OrderedJson::parse(shape.extra_json));
  // Text that a server cut within a character is still valid JSON.
  return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace kilotoken::bench
