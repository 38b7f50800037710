#pragma once
// Perplexity: how well a model predicts texts. Per token (which depends on the tokenizer), and per
// word and byte (which do not), as lm-evaluation-harness has them: words are what whitespace
// separates in the text as it was, bytes are those of UTF-8.

#include "measure/eval/estimate.h"
#include "measure/eval/texts.h"

namespace kilotoken {

struct PerplexityResult {
  int64_t texts = 0;
  Estimate loss;  // nats a token
  Estimate token_perplexity, word_perplexity, byte_perplexity, bits_per_byte;
  // Where every text says its information: nats a token, and how much more the model needs.
  std::optional<Estimate> bound, above_bound;
  std::vector<double> nats_by_text;

  struct OfKind {
    std::string kind;
    int64_t texts = 0;
    Estimate loss;
    std::optional<Estimate> bound, above_bound;
  };
  std::vector<OfKind> kinds;  // in order of name; none unless every text has a kind
};

Result<PerplexityResult> perplexity(const EvalModel& model, const TokenizedTexts& texts,
                                    ThreadPool& pool);

}  // namespace kilotoken
