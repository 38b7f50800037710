#include "serve/api/completion_output.h"

#include <algorithm>

#include "model/text/utf8.h"

namespace kilotoken {
namespace {

// JSON has no infinity; vLLM's clients know this floor.
constexpr float kLowestLogprob = -9999.0f;

float shown(float logprob) { return std::max(logprob, kLowestLogprob); }

size_t character_count(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

OrderedJson empty_logprobs() {
  const OrderedJson list = OrderedJson::array();
  return {
      {"tokens", list}, {"token_logprobs", list}, {"top_logprobs", list}, {"text_offset", list}};
}

OrderedJson reason_json(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
    case FinishReason::kError:
      break;
  }
  return nullptr;  // such an answer ends as an error, not with a reason
}

}  // namespace

std::string token_text(const Tokenizer* tokenizer, int32_t token, bool as_id) {
  if (as_id || !tokenizer) return "token_id:" + std::to_string(token);
  const std::string_view bytes = tokenizer->token_bytes(token);
  if (!first_invalid_utf8(bytes)) return std::string(bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "bytes:";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

CompletionChoice::CompletionChoice(const CompletionRequest& asked, const ServedPrompt& prompt,
                                   const Tokenizer* tokenizer, int index)
    : asked_(asked), prompt_(prompt), tokenizer_(tokenizer), index_(index) {
  const std::vector<int32_t>& ids = prompt.request->prompt;
  const auto special = [&](int32_t token) { return tokenizer->is_special(token); };
  if (tokenizer && asked.sampling.logprobs) {
    const bool at_start = asked.echo || std::all_of(ids.begin(), ids.end(), special);
    offsets_.emplace(*tokenizer, asked.sampling.skip_special_tokens, at_start);
  }
}

void CompletionChoice::add(const ChoiceDelta& delta) {
  if (!started_) add_prompt(delta);
  started_ = true;
  text_ += delta.text;
  tokens_.insert(tokens_.end(), delta.tokens.begin(), delta.tokens.end());
  if (asked_.sampling.logprobs) {
    for (const TokenLogprob& logprob : delta.logprobs) {
      add_logprob(logprob.token, &logprob, *asked_.sampling.logprobs);
    }
  }
  if (!delta.finish) return;
  finish_reason_ = reason_json(*delta.finish);
  if (delta.stop_reason) {
    stop_reason_ = *delta.stop_reason;
  } else if (*delta.finish == FinishReason::kStop && !delta.tokens.empty()) {
    const std::vector<int32_t>& stops = asked_.sampling.stop_token_ids;
    const int32_t last = delta.tokens.back();
    if (std::find(stops.begin(), stops.end(), last) != stops.end()) stop_reason_ = last;
  }
}

void CompletionChoice::add_prompt(const ChoiceDelta& delta) {
  if (asked_.shown_prompt_logprobs) prompt_logprobs_ = prompt_logprobs(delta);
  if (!asked_.echo) return;
  text_ = prompt_.text;
  if (!asked_.sampling.logprobs) return;
  const std::vector<int32_t>& ids = prompt_.request->prompt;
  add_logprob(ids[0], nullptr, 0);
  for (size_t i = 0; i < delta.prompt_logprobs.size(); ++i) {
    add_logprob(ids[i + 1], &delta.prompt_logprobs[i], *asked_.sampling.logprobs);
  }
}

// The first token of a prompt has no logprob: nothing comes before it.
void CompletionChoice::add_logprob(int32_t token, const TokenLogprob* logprob, int top_count) {
  if (logprobs_.is_null()) logprobs_ = empty_logprobs();
  const std::string text = token_text(tokenizer_, token, asked_.tokens_as_ids);
  logprobs_["tokens"].push_back(text);
  logprobs_["text_offset"].push_back(offset_);
  if (offsets_) offset_ += character_count(offsets_->push(token));
  if (!logprob) {
    logprobs_["token_logprobs"].push_back(nullptr);
    logprobs_["top_logprobs"].push_back(nullptr);
    return;
  }
  OrderedJson top = OrderedJson::object();
  top[text] = shown(logprob->logprob);
  for (int i = 0; i < std::min(top_count, static_cast<int>(logprob->top.size())); ++i) {
    const auto& [id, value] = logprob->top[static_cast<size_t>(i)];
    // Two tokens may read the same: the likelier one, which comes first, keeps the name.
    top.emplace(token_text(tokenizer_, id, asked_.tokens_as_ids), shown(value));
  }
  logprobs_["token_logprobs"].push_back(shown(logprob->logprob));
  logprobs_["top_logprobs"].push_back(std::move(top));
}

// vLLM's addition: by position, null for the first, else by token id.
OrderedJson CompletionChoice::prompt_logprobs(const ChoiceDelta& delta) const {
  OrderedJson list = OrderedJson::array({nullptr});
  for (const TokenLogprob& position : delta.prompt_logprobs) {
    OrderedJson entry = OrderedJson::object();
    const auto add = [&](int32_t token, float logprob, int rank) {
      entry.emplace(std::to_string(token),
                    OrderedJson{{"logprob", shown(logprob)},
                                {"rank", rank},
                                {"decoded_token", token_text(tokenizer_, token, false)}});
    };
    add(position.token, position.logprob, position.rank);
    int rank = 0;
    for (const auto& [token, logprob] : position.top) {
      if (++rank > *asked_.shown_prompt_logprobs) break;
      add(token, logprob, rank);
    }
    list.push_back(std::move(entry));
  }
  return list;
}

bool CompletionChoice::has_news() const {
  return !text_.empty() || !logprobs_.is_null() || !finish_reason_.is_null() || !tokenizer_ ||
         asked_.return_token_ids || asked_.continuous_usage;
}

OrderedJson CompletionChoice::take() {
  OrderedJson choice = {{"index", index_},
                        {"text", std::exchange(text_, {})},
                        {"logprobs", std::exchange(logprobs_, nullptr)},
                        {"finish_reason", finish_reason_},
                        {"stop_reason", stop_reason_}};
  if (!prompt_logprobs_.is_null()) {
    choice["prompt_logprobs"] = std::exchange(prompt_logprobs_, nullptr);
  }
  // Without a tokenizer the ids are all there is to see.
  if (!tokenizer_ || asked_.return_token_ids) choice["token_ids"] = tokens_;
  tokens_.clear();
  return choice;
}

OrderedJson usage_json(int prompt_tokens, int completion_tokens) {
  return {{"prompt_tokens", prompt_tokens},
          {"completion_tokens", completion_tokens},
          {"total_tokens", prompt_tokens + completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", 0}}},
          {"completion_tokens_details", {{"reasoning_tokens", 0}}}};
}

}  // namespace kilotoken
