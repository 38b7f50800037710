#include "engine/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/rng.h"

namespace kilotoken {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

struct Candidate {
  int32_t token;
  float logit;
  double weight;  // exp((logit - largest) / temperature): 1 for the most likely
};

bool more_likely(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

bool all_finite(std::span<const float> logits) {
  return std::all_of(logits.begin(), logits.end(),
                     [](float logit) { return std::isfinite(logit); });
}

// A small penalty divisor may carry a logit past float's range; the largest float ranks the same.
float in_range(float logit) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return logit == kNever ? kNever : std::clamp(logit, -kLargest, kLargest);
}

void add_bias(std::span<float> logits, const SampleRequest& request) {
  for (const auto& [token, bias] : request.params->logit_bias) {
    KT_CHECK_LT(static_cast<size_t>(token), logits.size());
    logits[token] = in_range(logits[token] + bias);
  }
  for (const int32_t token : request.forbidden) {
    // A model's files may name an end token that its vocabulary lacks; it can't be drawn anyhow.
    if (token >= 0 && static_cast<size_t>(token) < logits.size()) logits[token] = kNever;
  }
}

void repeat_penalty(float& logit, float penalty) {
  logit = in_range(logit > 0 ? logit / penalty : logit * penalty);
}

void add_penalties(std::span<float> logits, const SampleRequest& request) {
  const SamplingParams& params = *request.params;
  const bool repeats = params.repetition_penalty != 1;
  if (!repeats && params.presence_penalty == 0 && params.frequency_penalty == 0) return;
  KT_CHECK(request.state != nullptr, "penalties need the sequence's token counts");
  const SamplingState& state = *request.state;
  if (repeats) {
    for (const auto& [token, count] : state.prompt_counts) {
      KT_CHECK_LT(static_cast<size_t>(token), logits.size());
      repeat_penalty(logits[token], params.repetition_penalty);
    }
  }
  for (const auto& [token, count] : state.output_counts) {
    KT_CHECK_LT(static_cast<size_t>(token), logits.size());
    float& logit = logits[token];
    if (repeats && !state.prompt_counts.contains(token)) {
      repeat_penalty(logit, params.repetition_penalty);
    }
    logit = in_range(logit - params.frequency_penalty * static_cast<float>(count));
    logit = in_range(logit - params.presence_penalty);
  }
}

// The first of the largest, so ties go to the lower id. -1 when every token is forbidden.
int32_t argmax(std::span<const float> logits) {
  int32_t best = -1;
  float largest = kNever;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > largest) {
      largest = logits[i];
      best = static_cast<int32_t>(i);
    }
  }
  return best;
}

// Tokens with any weight that pass min-p, in ascending id.
std::vector<Candidate> candidates(std::span<const float> logits, float largest,
                                  const SamplingParams& params) {
  const double temperature = params.temperature;
  std::vector<Candidate> kept;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double weight =
        std::exp((static_cast<double>(logits[i]) - static_cast<double>(largest)) / temperature);
    if (weight > 0 && weight >= static_cast<double>(params.min_p)) {
      kept.push_back({static_cast<int32_t>(i), logits[i], weight});
    }
  }
  return kept;
}

double total_weight(std::span<const Candidate> tokens) {
  double total = 0;
  for (const Candidate& token : tokens) total += token.weight;
  return total;
}

// Weights are always added up in this order, whatever was left out.
void order_by_token(std::vector<Candidate>& tokens) {
  std::sort(tokens.begin(), tokens.end(),
            [](const Candidate& a, const Candidate& b) { return a.token < b.token; });
}

// Both leave the tokens in ascending id, as they found them; a vocabulary is sorted only as far as
// that takes.
void keep_top_k(std::vector<Candidate>& tokens, int top_k) {
  if (top_k < 1 || tokens.size() <= static_cast<size_t>(top_k)) return;
  std::nth_element(tokens.begin(), tokens.begin() + top_k, tokens.end(), more_likely);
  tokens.resize(static_cast<size_t>(top_k));
  order_by_token(tokens);
}

// Keeps a token while those more likely than it hold less than `top_p` of the weight. The most
// likely are sorted a stretch at a time, each twice the one before, because a few usually suffice.
void keep_top_p(std::vector<Candidate>& tokens, float top_p) {
  const double bound = static_cast<double>(top_p) * total_weight(tokens);
  double before = 0;
  size_t sorted = 0;
  size_t stretch = 64;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (i == sorted) {
      sorted = std::min(tokens.size(), sorted + stretch);
      stretch *= 2;
      std::partial_sort(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                        tokens.begin() + static_cast<std::ptrdiff_t>(sorted), tokens.end(),
                        more_likely);
    }
    if (i > 0 && before >= bound) {
      tokens.resize(i);
      break;
    }
    before += tokens[i].weight;
  }
  order_by_token(tokens);
}

int32_t draw(std::span<const Candidate> tokens, double uniform) {
  const double target = uniform * total_weight(tokens);
  double before = 0;
  for (const Candidate& token : tokens) {
    before += token.weight;
    if (target < before) return token.token;
  }
  return tokens.back().token;  // uniform < 1 may still round up to the total
}

}  // namespace

Sample sample_token(std::span<float> logits, const SampleRequest& request) {
  KT_CHECK(!logits.empty(), "no logits to sample from");
  if (!all_finite(logits)) return {.token = -1, .bad_logits = true};
  const SamplingParams& params = *request.params;
  add_bias(logits, request);
  add_penalties(logits, request);
  const int32_t best = argmax(logits);
  if (best < 0) return {.token = -1, .bad_logits = true};
  if (params.temperature == 0) return {.token = best, .bad_logits = false};

  std::vector<Candidate> tokens = candidates(logits, logits[best], params);
  keep_top_k(tokens, params.top_k);
  if (params.top_p < 1) keep_top_p(tokens, params.top_p);
  const double uniform = uniform_at(params.seed, static_cast<uint32_t>(request.choice),
                                    static_cast<uint64_t>(request.position));
  return {.token = draw(tokens, uniform), .bad_logits = false};
}

TokenLogprob token_logprob(std::span<const float> logits, int32_t token, int top_count) {
  KT_CHECK_LT(static_cast<size_t>(token), logits.size());
  const float largest = *std::max_element(logits.begin(), logits.end());
  const float chosen = logits[token];
  double sum = 0;
  TokenLogprob result{.token = token, .logprob = 0, .rank = 1, .top = {}};
  auto& top = result.top;  // holds logits until their sum is known
  const auto limit = static_cast<size_t>(std::max(top_count, 0));
  for (size_t i = 0; i < logits.size(); ++i) {
    const float logit = logits[i];
    const auto id = static_cast<int32_t>(i);
    sum += std::exp(static_cast<double>(logit) - static_cast<double>(largest));
    if (logit > chosen || (logit == chosen && id < token)) ++result.rank;
    if (limit == 0 || (top.size() == limit && logit <= top.back().second)) continue;
    if (top.size() == limit) top.pop_back();
    const auto place = std::find_if(top.begin(), top.end(),
                                    [logit](const auto& entry) { return entry.second < logit; });
    top.insert(place, {id, logit});
  }
  const auto log_share = [largest, log_sum = std::log(sum)](float logit) {
    return static_cast<float>(static_cast<double>(logit) - static_cast<double>(largest) - log_sum);
  };
  result.logprob = log_share(chosen);
  for (auto& [id, value] : top) value = log_share(value);
  return result;
}

}  // namespace kilotoken
