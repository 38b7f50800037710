#include "measure/eval/kl.h"

#include <algorithm>
#include <cmath>

namespace kilotoken {
namespace {

// The reference's logits are kept for so many bytes of windows at a time.
constexpr size_t kKeptBytes = size_t{128} << 20;

struct LogSum {
  double largest, log_sum;  // log of the sum of exp(logit - largest)
  double log_share(float logit) const { return static_cast<double>(logit) - largest - log_sum; }
};

LogSum log_sum_of(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return {largest, std::log(sum)};
}

size_t likeliest(std::span<const float> logits) {
  return static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

struct Sums {
  double kl = 0, same = 0, added = 0;
};

void compare(std::span<const float> reference, std::span<const float> model, int32_t target,
             Sums& sums) {
  const auto at = static_cast<size_t>(target);
  sums.kl += kl_divergence(reference, model);
  sums.same += likeliest(reference) == likeliest(model) ? 1 : 0;
  sums.added +=
      log_sum_of(reference).log_share(reference[at]) - log_sum_of(model).log_share(model[at]);
}

// Windows [begin, end) through both models.
Result<void> compare_group(const EvalModel& reference, const EvalModel& model,
                           std::span<const Window> windows, ThreadPool& pool,
                           std::span<Sums> sums) {
  const auto vocab = static_cast<size_t>(reference.files.config.vocab_size);
  std::vector<std::vector<float>> kept;
  for (const Window& window : windows) kept.emplace_back(window.targets.size() * vocab);
  const std::vector<ScoredText> texts = scored_texts(windows);
  const auto place = [&](size_t window, int position) {
    return std::span(kept[window]).subspan((static_cast<size_t>(position) - 1) * vocab, vocab);
  };
  KT_TRY_VOID(Scorer(*reference.model, pool)
                  .run(texts, [&](size_t window, int position, std::span<const float> logits) {
                    std::copy(logits.begin(), logits.end(), place(window, position).begin());
                  }));
  return Scorer(*model.model, pool)
      .run(texts, [&](size_t window, int position, std::span<const float> logits) {
        compare(place(window, position), logits,
                windows[window].targets[static_cast<size_t>(position) - 1], sums[window]);
      });
}

}  // namespace

double kl_divergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  KT_CHECK_EQ(p_logits.size(), q_logits.size());
  const LogSum p = log_sum_of(p_logits), q = log_sum_of(q_logits);
  double sum = 0;
  for (size_t i = 0; i < p_logits.size(); ++i) {
    const double log_p = p.log_share(p_logits[i]);
    sum += std::exp(log_p) * (log_p - q.log_share(q_logits[i]));
  }
  return sum;
}

Result<KlResult> kl(const EvalModel& reference, const EvalModel& model, const TokenizedTexts& texts,
                    ThreadPool& pool) {
  const int vocab = reference.files.config.vocab_size;
  if (vocab != model.files.config.vocab_size) {
    return invalid(model.files.path.string() + " has a vocabulary of " +
                   std::to_string(model.files.config.vocab_size) + " tokens, the reference " +
                   reference.files.path.string() + " of " + std::to_string(vocab) +
                   ": their predictions cannot be compared");
  }
  std::vector<Sums> by_window(texts.windows.size());
  const size_t kept_tokens = kKeptBytes / (static_cast<size_t>(vocab) * sizeof(float));
  for (size_t begin = 0; begin < by_window.size();) {
    size_t end = begin, tokens = 0;
    do {
      tokens += texts.windows[end++].targets.size();
    } while (end < by_window.size() && tokens + texts.windows[end].targets.size() <= kept_tokens);
    KT_TRY_VOID(compare_group(reference, model,
                              std::span(texts.windows).subspan(begin, end - begin), pool,
                              std::span(by_window).subspan(begin, end - begin)));
    begin = end;
  }
  KlResult result;
  result.texts = std::ssize(texts.texts);
  std::vector<double> same(texts.texts.size()), added(texts.texts.size());
  result.kl_by_text.resize(texts.texts.size());
  for (size_t i = 0; i < by_window.size(); ++i) {
    const size_t text = texts.windows[i].text;
    result.kl_by_text[text] += by_window[i].kl;
    same[text] += by_window[i].same;
    added[text] += by_window[i].added;
  }
  result.kl = ratio_of(result.kl_by_text, texts.tokens);
  result.same_top = ratio_of(same, texts.tokens);
  result.added_loss = ratio_of(added, texts.tokens);
  if (!std::isfinite(result.kl.value)) {
    return Error{ErrorCode::kInternal,
                 "the logits of " + model.files.path.string() +
                     " or of its reference are no "
                     "numbers: the weights are damaged, or overflow this arithmetic",
                 {}};
  }
  return result;
}

}  // namespace kilotoken
