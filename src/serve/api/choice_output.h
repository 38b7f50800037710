#pragma once
// ChoiceOutput: what one choice of an answer says, gathered from the engine and given out in an
// endpoint's shape, as one object at the end or piece by piece.

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/run/engine.h"
#include "serve/api/generation_request.h"

namespace kilotoken {

// One prompt as it is served.
struct ServedPrompt {
  std::string echo;  // what an answer that echoes begins with
  std::shared_ptr<const Request> request;
  std::string role{};  // who speaks in a chat's answer
};

class ChoiceOutput {
 public:
  // All of it outlives this. `tokenizer` may be null.
  ChoiceOutput(const GenerationRequest& asked, const ServedPrompt& prompt,
               const Tokenizer* tokenizer, int index);
  virtual ~ChoiceOutput() = default;

  bool started() const { return started_; }
  void add(const ChoiceDelta& delta);

  // The choice's object in a whole answer.
  virtual OrderedJson whole() = 0;
  // Its objects in a stream: one before anything else (null: none), then what was added since the
  // last call, the end in the last.
  virtual OrderedJson opening() const { return nullptr; }
  virtual std::vector<OrderedJson> chunks() = 0;
  // What the first choice puts beside `choices` into the whole answer or its first chunk.
  virtual void add_beside(OrderedJson&) const {}

 protected:
  // Before the first token; text_ holds the echo already.
  virtual void add_prompt(const ChoiceDelta& delta) = 0;
  virtual void add_logprob(const TokenLogprob& logprob) = 0;

  bool has_text() const;  // a chunk of text, tokens or logprobs is due
  std::vector<int32_t> take_tokens();

  const GenerationRequest& asked_;
  const ServedPrompt& prompt_;
  const Tokenizer* const tokenizer_;
  const int index_;
  // Since the last take.
  std::string text_;
  std::vector<int32_t> tokens_;
  OrderedJson logprobs_;         // null, or in the endpoint's shape
  OrderedJson prompt_logprobs_;  // null, or a list by position
  OrderedJson finish_reason_, stop_reason_;

 private:
  bool started_ = false;
};

}  // namespace kilotoken
