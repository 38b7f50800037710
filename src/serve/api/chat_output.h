#pragma once
// ChatChoice: one choice of a chat completion: a message, or the deltas that make one; logprobs as
// content[] = {token, logprob, bytes, top_logprobs}.

#include "serve/api/choice_output.h"

namespace kilotoken {

class ChatChoice final : public ChoiceOutput {
 public:
  using ChoiceOutput::ChoiceOutput;

  OrderedJson whole() override;
  OrderedJson opening() const override;
  std::vector<OrderedJson> chunks() override;
  void add_beside(OrderedJson& body) const override;

 private:
  void add_prompt(const ChoiceDelta&) override {}
  void add_logprob(const TokenLogprob& logprob) override;
  OrderedJson delta_chunk(OrderedJson delta);
  OrderedJson token_json(int32_t token, float logprob) const;
};

}  // namespace kilotoken
