#pragma once
// What one choice of a completion looks like on the wire: its text, its logprobs in the legacy
// shape {tokens, token_logprobs, top_logprobs, text_offset}, its end.

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "engine/run/engine.h"
#include "model/text/detokenizer.h"
#include "serve/api/completion_request.h"

namespace kilotoken {

using OrderedJson = nlohmann::ordered_json;

// One prompt as it is served.
struct ServedPrompt {
  std::string text;  // for the echo
  std::shared_ptr<const Request> request;
};

// Bytes that are not UTF-8 by themselves come out as "bytes:\xe2\x82", special forms as they are.
std::string token_text(const Tokenizer* tokenizer, int32_t token, bool as_id);

class CompletionChoice {
 public:
  // All of it outlives this. `tokenizer` may be null.
  CompletionChoice(const CompletionRequest& asked, const ServedPrompt& prompt,
                   const Tokenizer* tokenizer, int index);

  void add(const ChoiceDelta& delta);
  bool has_news() const;  // take() would give more than empty text

  // The choice's object with everything added since the last take.
  OrderedJson take();

 private:
  void add_prompt(const ChoiceDelta& delta);
  void add_logprob(int32_t token, const TokenLogprob* logprob, int top_count);
  OrderedJson prompt_logprobs(const ChoiceDelta& delta) const;

  const CompletionRequest& asked_;
  const ServedPrompt& prompt_;
  const Tokenizer* const tokenizer_;
  const int index_;
  bool started_ = false;
  std::optional<Detokenizer> offsets_;  // counts the text that tokens become
  size_t offset_ = 0;                   // characters before the next token
  // Since the last take.
  std::string text_;
  std::vector<int32_t> tokens_;
  OrderedJson logprobs_;         // null, or the arrays
  OrderedJson prompt_logprobs_;  // null, or a list by position
  OrderedJson finish_reason_, stop_reason_;
};

OrderedJson usage_json(int prompt_tokens, int completion_tokens);

}  // namespace kilotoken
