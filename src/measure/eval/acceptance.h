#pragma once
// How many of a draft's guesses a target would take, without speculation itself.
//
// A guess is taken if it is the token that the target's own sampler draws there, both with the
// random number of (seed, choice, position). Then what comes out is what the target says alone, and
// guesses after a wrong one do not count: so the draft is asked, at each position of the target's
// own text, what it would have drawn, and the rounds of k guesses are counted along it. A round
// guesses k tokens, takes those before the first wrong one and one more that is the target's.

#include "measure/eval/estimate.h"
#include "measure/eval/eval_model.h"
#include "measure/eval/scorer.h"

namespace kilotoken {

struct AcceptanceOptions {
  int guesses = 4;  // k
  int max_tokens = 64;
  float temperature = 0.8f;
  uint64_t seed = 1;  // of the first text, the next ones of those that follow
};

struct AcceptanceResult {
  int64_t texts = 0, tokens = 0;
  Estimate accepted;  // share of all guesses
  Estimate each;  // share of those guessed after right ones only: the draft is asked once a token
  Estimate tokens_per_round;
};

// Rounds of `guesses` along a text where matches[i] says whether the draft has token i right.
struct Rounds {
  double rounds = 0, guessed = 0, accepted = 0;
};
Rounds count_rounds(const std::vector<bool>& matches, int guesses);

// `prompts` are token ids; what the target says to each ends with an end token or max_tokens.
Result<AcceptanceResult> acceptance(const EvalModel& target, const EvalModel& draft,
                                    const std::vector<std::vector<int32_t>>& prompts,
                                    const AcceptanceOptions& options, ThreadPool& pool);

}  // namespace kilotoken
