#include "serve/api/chat_output.h"

#include <algorithm>
#include <utility>

#include "serve/api/token_output.h"

namespace kilotoken {

OrderedJson ChatChoice::token_json(int32_t token, float logprob) const {
  OrderedJson bytes = OrderedJson::array();
  if (tokenizer_) {
    for (const char byte : tokenizer_->token_bytes(token)) {
      bytes.push_back(static_cast<unsigned char>(byte));
    }
  }
  return {{"token", token_text(tokenizer_, token, asked_.tokens_as_ids)},
          {"logprob", shown_logprob(logprob)},
          {"bytes", std::move(bytes)}};
}

void ChatChoice::add_logprob(const TokenLogprob& logprob) {
  if (logprobs_.is_null()) logprobs_ = {{"content", OrderedJson::array()}};
  OrderedJson entry = token_json(logprob.token, logprob.logprob);
  OrderedJson top = OrderedJson::array();
  const auto count = static_cast<size_t>(*asked_.sampling.logprobs);
  for (size_t i = 0; i < std::min(count, logprob.top.size()); ++i) {
    top.push_back(token_json(logprob.top[i].first, logprob.top[i].second));
  }
  entry["top_logprobs"] = std::move(top);
  logprobs_["content"].push_back(std::move(entry));
}

OrderedJson ChatChoice::whole() {
  OrderedJson choice = {
      {"index", index_},
      {"message",
       {{"role", prompt_.role}, {"content", std::exchange(text_, {})}, {"refusal", nullptr}}},
      {"logprobs", std::exchange(logprobs_, nullptr)},
      {"finish_reason", finish_reason_},
      {"stop_reason", stop_reason_}};
  if (asked_.return_token_ids) choice["token_ids"] = take_tokens();
  return choice;
}

OrderedJson ChatChoice::opening() const {
  return {{"index", index_},
          {"delta", {{"role", prompt_.role}, {"content", ""}}},
          {"logprobs", nullptr},
          {"finish_reason", nullptr}};
}

OrderedJson ChatChoice::delta_chunk(OrderedJson delta) {
  OrderedJson choice = {{"index", index_},
                        {"delta", std::move(delta)},
                        {"logprobs", std::exchange(logprobs_, nullptr)},
                        {"finish_reason", nullptr}};
  std::vector<int32_t> tokens = take_tokens();
  if (asked_.return_token_ids) choice["token_ids"] = std::move(tokens);
  return choice;
}

// The end is a chunk of its own, with an empty delta.
std::vector<OrderedJson> ChatChoice::chunks() {
  std::vector<OrderedJson> chunks;
  const bool ends = !finish_reason_.is_null();
  const bool has_content = !text_.empty() || !logprobs_.is_null();
  if (has_content || (!ends && has_text())) {
    chunks.push_back(delta_chunk({{"content", std::exchange(text_, {})}}));
  }
  if (!ends) return chunks;
  OrderedJson last = delta_chunk(OrderedJson::object());
  last["finish_reason"] = finish_reason_;
  last["stop_reason"] = stop_reason_;
  chunks.push_back(std::move(last));
  return chunks;
}

void ChatChoice::add_beside(OrderedJson& body) const {
  if (!prompt_logprobs_.is_null()) body["prompt_logprobs"] = prompt_logprobs_;
  if (asked_.return_token_ids) body["prompt_token_ids"] = prompt_.request->prompt;
}

}  // namespace kilotoken
