#include "serve/api/choice_output.h"

#include <algorithm>
#include <utility>

#include "serve/api/token_output.h"

namespace kilotoken {
namespace {

OrderedJson reason_json(FinishReason reason) {
  // Such an answer ends as an error, not with a reason.
  if (reason == FinishReason::kAbort || reason == FinishReason::kError) return nullptr;
  return name_of(reason);
}

}  // namespace

ChoiceOutput::ChoiceOutput(const GenerationRequest& asked, const ServedPrompt& prompt,
                           const Tokenizer* tokenizer, int index)
    : asked_(asked), prompt_(prompt), tokenizer_(tokenizer), index_(index) {}

void ChoiceOutput::add(const ChoiceDelta& delta) {
  if (!std::exchange(started_, true)) {
    if (asked_.shown_prompt_logprobs) {
      prompt_logprobs_ =
          prompt_logprobs_json(delta.prompt_logprobs, tokenizer_, *asked_.shown_prompt_logprobs);
    }
    if (asked_.echo) text_ = prompt_.echo;
    add_prompt(delta);
  }
  text_ += delta.text;
  tokens_.insert(tokens_.end(), delta.tokens.begin(), delta.tokens.end());
  if (asked_.sampling.logprobs) {
    for (const TokenLogprob& logprob : delta.logprobs) add_logprob(logprob);
  }
  if (!delta.finish) return;
  finish_reason_ = reason_json(*delta.finish);
  if (delta.stop_reason) {
    stop_reason_ = *delta.stop_reason;
  } else if (*delta.finish == FinishReason::kStop && !delta.tokens.empty()) {
    const std::vector<int32_t>& stops = asked_.sampling.stop_token_ids;
    const int32_t last = delta.tokens.back();
    if (std::find(stops.begin(), stops.end(), last) != stops.end()) stop_reason_ = last;
  }
}

bool ChoiceOutput::has_text() const {
  return !text_.empty() || !logprobs_.is_null() || !tokenizer_ || asked_.return_token_ids ||
         asked_.continuous_usage;
}

std::vector<int32_t> ChoiceOutput::take_tokens() { return std::exchange(tokens_, {}); }

}  // namespace kilotoken
