#include "serve/api/completion_output.h"

#include <algorithm>
#include <utility>

#include "serve/api/token_output.h"

namespace kilotoken {
namespace {

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

}  // namespace

CompletionChoice::CompletionChoice(const GenerationRequest& asked, const ServedPrompt& prompt,
                                   const Tokenizer* tokenizer, int index)
    : ChoiceOutput(asked, prompt, tokenizer, index) {
  const std::vector<int32_t>& ids = prompt.request->prompt;
  const auto special = [&](int32_t token) { return tokenizer->is_special(token); };
  if (tokenizer && asked.sampling.logprobs) {
    const bool at_start = asked.echo || std::all_of(ids.begin(), ids.end(), special);
    offsets_.emplace(*tokenizer, asked.sampling.skip_special_tokens, at_start);
  }
}

void CompletionChoice::add_prompt(const ChoiceDelta& delta) {
  if (!asked_.echo || !asked_.sampling.logprobs) return;
  const std::vector<int32_t>& ids = prompt_.request->prompt;
  add_scored(ids[0], nullptr);
  for (size_t i = 0; i < delta.prompt_logprobs.size(); ++i) {
    add_scored(ids[i + 1], &delta.prompt_logprobs[i]);
  }
}

// The first token of a prompt has no logprob: nothing comes before it.
void CompletionChoice::add_scored(int32_t token, const TokenLogprob* logprob) {
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
  const int top_count = *asked_.sampling.logprobs;
  OrderedJson top = OrderedJson::object();
  top[text] = shown_logprob(logprob->logprob);
  for (int i = 0; i < std::min(top_count, static_cast<int>(logprob->top.size())); ++i) {
    const auto& [id, value] = logprob->top[static_cast<size_t>(i)];
    // Two tokens may read the same: the likelier one, which comes first, keeps the name.
    top.emplace(token_text(tokenizer_, id, asked_.tokens_as_ids), shown_logprob(value));
  }
  logprobs_["token_logprobs"].push_back(shown_logprob(logprob->logprob));
  logprobs_["top_logprobs"].push_back(std::move(top));
}

std::vector<OrderedJson> CompletionChoice::chunks() {
  if (!has_text() && finish_reason_.is_null()) return {};
  return {whole()};
}

OrderedJson CompletionChoice::whole() {
  OrderedJson choice = {{"index", index_},
                        {"text", std::exchange(text_, {})},
                        {"logprobs", std::exchange(logprobs_, nullptr)},
                        {"finish_reason", finish_reason_},
                        {"stop_reason", stop_reason_}};
  if (!prompt_logprobs_.is_null()) {
    choice["prompt_logprobs"] = std::exchange(prompt_logprobs_, nullptr);
  }
  if (asked_.return_token_ids && !std::exchange(prompt_shown_, true)) {
    choice["prompt_token_ids"] = prompt_.request->prompt;
  }
  // Without a tokenizer the ids are all there is to see.
  std::vector<int32_t> tokens = take_tokens();
  if (!tokenizer_ || asked_.return_token_ids) choice["token_ids"] = std::move(tokens);
  return choice;
}

}  // namespace kilotoken
