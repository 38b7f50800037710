#pragma once
// How far a model's predictions are from a reference's, token by token over the same texts: mean of
// KL(reference || model) in nats, how often both find the same token the likeliest, and what the
// model loses on the tokens that come. Both models stay in memory; no file of logits is written.

#include "measure/eval/estimate.h"
#include "measure/eval/texts.h"

namespace kilotoken {

struct KlResult {
  int64_t texts = 0;
  Estimate kl;          // nats a token
  Estimate same_top;    // share of tokens
  Estimate added_loss;  // nats a token: the model's loss less the reference's
  std::vector<double> kl_by_text;
};

// KL(p || q) in nats, of distributions given by their logits.
double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits);

// `texts` are tokenized with the reference's tokenizer. kInvalid when the vocabularies differ.
Result<KlResult> kl(const EvalModel& reference, const EvalModel& model, const TokenizedTexts& texts,
                    ThreadPool& pool);

}  // namespace kilotoken
