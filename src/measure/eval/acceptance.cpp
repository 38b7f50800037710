#include "measure/eval/acceptance.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/run/engine.h"
#include "engine/run/local_runner.h"
#include "serve/load/served_model.h"

namespace kilotoken {
namespace {

constexpr int kSequences = 64;  // at once

class TokenSink final : public OutputSink {
 public:
  void on_delta(const ChoiceDelta& delta) override {
    tokens.insert(tokens.end(), delta.tokens.begin(), delta.tokens.end());
    error = delta.error;
  }
  std::vector<int32_t> tokens;
  std::string error;
};

SamplingParams sampling_of(const AcceptanceOptions& options, size_t text) {
  SamplingParams sampling;
  sampling.temperature = options.temperature;
  sampling.max_tokens = options.max_tokens;
  sampling.seed = options.seed + text;
  return sampling;
}

// What the target says to each prompt.
Result<std::vector<std::vector<int32_t>>> said(const EvalModel& target,
                                               const std::vector<std::vector<int32_t>>& prompts,
                                               const AcceptanceOptions& options, ThreadPool& pool) {
  const Model& model = *target.model;
  size_t longest = 0;
  for (const auto& prompt : prompts) longest = std::max(longest, prompt.size());
  longest += static_cast<size_t>(options.max_tokens);
  const int each = static_cast<int>(longest) / kPageTokens + 1;
  KT_TRY(const KvCache kv, KvCache::reserve(model.kv_spec(default_kv_dtype(model.weight_dtype())),
                                            each * kSequences));
  PagePool pages(each * kSequences);
  const SystemClock clock;
  SchedulerConfig config;
  config.max_num_seqs = kSequences;
  LocalRunner runner(model, kv, pool, clock, config.max_num_batched_tokens);
  Engine engine(config, pages, nullptr, runner, nullptr, clock, nullptr);
  std::vector<std::shared_ptr<TokenSink>> sinks;
  for (size_t i = 0; i < prompts.size(); ++i) {
    auto request = std::make_shared<Request>();
    request->id = i + 1;
    request->prompt = prompts[i];
    request->sampling = sampling_of(options, i);
    request->eos_token_ids = target.files.defaults.eos_token_ids;
    sinks.push_back(std::make_shared<TokenSink>());
    engine.add(std::move(request), sinks.back());
  }
  while (engine.step()) continue;
  std::vector<std::vector<int32_t>> out;
  for (const auto& sink : sinks) {
    if (!sink->error.empty()) return Error{ErrorCode::kInternal, sink->error, {}};
    out.push_back(sink->tokens);
  }
  return out;
}

// By text and token: whether the draft draws the token that the target drew.
Result<std::vector<std::vector<bool>>> matched(const EvalModel& draft,
                                               const std::vector<std::vector<int32_t>>& prompts,
                                               const std::vector<std::vector<int32_t>>& answers,
                                               const AcceptanceOptions& options, ThreadPool& pool) {
  std::vector<ScoredText> texts;
  std::vector<std::vector<bool>> out;
  for (size_t i = 0; i < prompts.size(); ++i) {
    ScoredText text{prompts[i], static_cast<int>(prompts[i].size())};
    text.inputs.insert(text.inputs.end(), answers[i].begin(), answers[i].end() - 1);
    texts.push_back(std::move(text));
    out.emplace_back(answers[i].size());
  }
  const auto guess = [&](size_t text, int position, std::span<const float> logits) {
    std::vector<float> scratch(logits.begin(), logits.end());
    const SamplingParams sampling = sampling_of(options, text);
    const Sample drawn = sample_token(scratch, {&sampling, nullptr, {}, /*choice=*/0, position});
    const auto at = static_cast<size_t>(position - texts[text].first);
    out[text][at] = !drawn.bad_logits && drawn.token == answers[text][at];
  };
  KT_TRY_VOID(Scorer(*draft.model, pool).run(texts, guess));
  return out;
}

}  // namespace

Rounds count_rounds(const std::vector<bool>& matches, int guesses) {
  Rounds out;
  for (size_t at = 0; at < matches.size(); ++at) {
    const size_t end = std::min(matches.size(), at + static_cast<size_t>(guesses));
    out.rounds += 1;
    out.guessed += static_cast<double>(end - at);  // none beyond the end of the text
    for (; at < end && matches[at]; ++at) out.accepted += 1;
  }
  return out;
}

Result<AcceptanceResult> acceptance(const EvalModel& target, const EvalModel& draft,
                                    const std::vector<std::vector<int32_t>>& prompts,
                                    const AcceptanceOptions& options, ThreadPool& pool) {
  if (target.files.config.vocab_size != draft.files.config.vocab_size) {
    return invalid(draft.files.path.string() + " has a vocabulary of " +
                   std::to_string(draft.files.config.vocab_size) + " tokens, its target of " +
                   std::to_string(target.files.config.vocab_size) + ": it is no draft of it");
  }
  KT_TRY(const auto answers, said(target, prompts, options, pool));
  KT_TRY(const auto matches, matched(draft, prompts, answers, options, pool));
  AcceptanceResult result;
  result.texts = std::ssize(prompts);
  std::vector<double> rounds, guessed, accepted, right, tokens;
  for (const std::vector<bool>& text : matches) {
    const Rounds counted = count_rounds(text, options.guesses);
    rounds.push_back(counted.rounds);
    guessed.push_back(counted.guessed);
    accepted.push_back(counted.accepted);
    right.push_back(static_cast<double>(std::count(text.begin(), text.end(), true)));
    tokens.push_back(static_cast<double>(text.size()));
    result.tokens += std::ssize(text);
  }
  result.accepted = ratio_of(accepted, guessed);
  result.each = ratio_of(right, tokens);
  result.tokens_per_round = ratio_of(tokens, rounds);
  return result;
}

}  // namespace kilotoken
