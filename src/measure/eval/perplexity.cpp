#include "measure/eval/perplexity.h"

#include <cmath>
#include <map>
#include <numbers>

#include "engine/sampling/sampler.h"

namespace kilotoken {
namespace {

double word_count(std::string_view text) {
  double count = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    count += !space && !inside ? 1 : 0;
    inside = !space;
  }
  return count;
}

// Loss and bound over the texts `which`.
PerplexityResult::OfKind over(const TokenizedTexts& texts, const std::vector<double>& nats,
                              const std::vector<size_t>& which) {
  std::vector<double> needed, least, above, tokens;
  for (const size_t text : which) {
    needed.push_back(nats[text]);
    tokens.push_back(texts.tokens[text]);
    if (!texts.texts[text].nats) continue;
    least.push_back(*texts.texts[text].nats);
    above.push_back(needed.back() - least.back());
  }
  PerplexityResult::OfKind out;
  out.texts = std::ssize(which);
  out.loss = ratio_of(needed, tokens);
  if (least.size() < which.size()) return out;
  out.bound = ratio_of(least, tokens);
  out.above_bound = ratio_of(above, tokens);
  return out;
}

void add_losses(const TokenizedTexts& texts, PerplexityResult& result) {
  std::vector<size_t> all;
  std::map<std::string, std::vector<size_t>> by_kind;
  for (size_t i = 0; i < texts.texts.size(); ++i) {
    all.push_back(i);
    by_kind[texts.texts[i].kind].push_back(i);
  }
  const PerplexityResult::OfKind whole = over(texts, result.nats_by_text, all);
  result.loss = whole.loss;
  result.bound = whole.bound;
  result.above_bound = whole.above_bound;
  if (by_kind.contains("")) return;
  for (const auto& [kind, which] : by_kind) {
    result.kinds.push_back(over(texts, result.nats_by_text, which));
    result.kinds.back().kind = kind;
  }
}

}  // namespace

Result<PerplexityResult> perplexity(const EvalModel& model, const TokenizedTexts& texts,
                                    ThreadPool& pool) {
  std::vector<double> by_window(texts.windows.size());
  const auto score = [&](size_t window, int position, std::span<const float> logits) {
    const int32_t target = texts.windows[window].targets[static_cast<size_t>(position) - 1];
    by_window[window] -= static_cast<double>(token_logprob(logits, target, 0).logprob);
  };
  KT_TRY_VOID(Scorer(*model.model, pool).run(scored_texts(texts.windows), score));
  PerplexityResult result;
  result.texts = std::ssize(texts.texts);
  result.nats_by_text.resize(texts.texts.size());
  for (size_t i = 0; i < by_window.size(); ++i) {
    result.nats_by_text[texts.windows[i].text] += by_window[i];
  }
  std::vector<double> words, bytes;
  double word_total = 0;
  for (size_t i = 0; i < texts.texts.size(); ++i) {
    if (!std::isfinite(result.nats_by_text[i])) {
      return Error{ErrorCode::kInternal,
                   model.files.path.string() + ": the logits of text " + std::to_string(i + 1) +
                       " are no numbers: its weights are damaged, or overflow this arithmetic",
                   {}};
    }
    words.push_back(word_count(texts.texts[i].text));
    bytes.push_back(static_cast<double>(texts.texts[i].text.size()));
    word_total += words.back();
  }
  if (word_total == 0) return invalid("the texts have no words: there is nothing to measure by");
  add_losses(texts, result);
  result.token_perplexity = exponential(result.loss);
  result.word_perplexity = exponential(ratio_of(result.nats_by_text, words));
  const Estimate nats_per_byte = ratio_of(result.nats_by_text, bytes);
  result.byte_perplexity = exponential(nats_per_byte);
  result.bits_per_byte = {nats_per_byte.value / std::numbers::ln2,
                          nats_per_byte.standard_error / std::numbers::ln2};
  return result;
}

}  // namespace kilotoken
