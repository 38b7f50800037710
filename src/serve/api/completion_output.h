#pragma once
// CompletionChoice: one choice of a completion: its text, its logprobs in the legacy shape {tokens,
// token_logprobs, top_logprobs, text_offset}.

#include <optional>

#include "model/text/detokenizer.h"
#include "serve/api/choice_output.h"

namespace kilotoken {

class CompletionChoice final : public ChoiceOutput {
 public:
  CompletionChoice(const GenerationRequest& asked, const ServedPrompt& prompt,
                   const Tokenizer* tokenizer, int index);

  OrderedJson whole() override;
  std::vector<OrderedJson> chunks() override;

 private:
  void add_prompt(const ChoiceDelta& delta) override;
  void add_logprob(const TokenLogprob& logprob) override { add_scored(logprob.token, &logprob); }
  void add_scored(int32_t token, const TokenLogprob* logprob);

  std::optional<Detokenizer> offsets_;  // counts the text that tokens become
  size_t offset_ = 0;                   // characters before the next token
  bool prompt_shown_ = false;
};

}  // namespace kilotoken
