#include "engine/run/engine.h"

#include <algorithm>

namespace kilotoken {

struct Engine::Live {
  std::shared_ptr<const Request> request;
  std::shared_ptr<OutputSink> sink;
  std::vector<std::unique_ptr<Choice>> choices;
  int unfinished = 0;
  RequestTimes times;
};

struct Engine::Choice {
  Live* live = nullptr;
  SequenceId sequence = 0;
  int index = 0;
  std::optional<TextStream> text;  // none without a tokenizer
  int output_tokens = 0;
  int64_t last_token_ns = 0;
  std::vector<TokenLogprob> prompt_logprobs;  // of positions 1.. of the prompt, until delivered
  bool finished = false;

  const SamplingParams& params() const { return live->request->sampling; }
};

Engine::Engine(const SchedulerConfig& config, PagePool& pool, Runner& runner,
               const Tokenizer* tokenizer, const Clock& clock, StepObserver* observer)
    : runner_(runner),
      tokenizer_(tokenizer),
      clock_(clock),
      observer_(observer),
      scheduler_(config, pool) {}

Engine::~Engine() = default;

void Engine::add(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink) {
  KT_CHECK(!request->prompt.empty(), "a request needs a prompt token");
  auto live = std::make_unique<Live>();
  live->request = request;
  live->sink = std::move(sink);
  live->unfinished = request->sampling.n;
  live->times.arrival_ns = request->arrival_ns;
  live->times.prompt_tokens = static_cast<int>(request->prompt.size());
  const bool at_start =
      tokenizer_ && std::all_of(request->prompt.begin(), request->prompt.end(),
                                [&](int32_t token) { return tokenizer_->is_special(token); });
  for (int i = 0; i < request->sampling.n; ++i) {
    auto choice = std::make_unique<Choice>();
    choice->live = live.get();
    choice->sequence = next_sequence_++;
    choice->index = i;
    if (tokenizer_) choice->text.emplace(*tokenizer_, at_start, request->sampling);
    if (request->sampling.prompt_logprobs) {
      choice->prompt_logprobs.resize(request->prompt.size() - 1);
    }
    auto sequence = std::make_unique<Sequence>();
    sequence->id = choice->sequence;
    sequence->request = request;
    sequence->choice = i;
    sequence->length = static_cast<int>(request->prompt.size());
    scheduler_.add(std::move(sequence));
    choices_.emplace(choice->sequence, choice.get());
    live->choices.push_back(std::move(choice));
  }
  const bool is_new = live_.emplace(request->id, std::move(live)).second;
  KT_CHECK(is_new, "request ids must be unique");
}

void Engine::cancel(RequestId id) {
  const auto at = live_.find(id);
  if (at == live_.end()) return;
  for (const auto& choice : at->second->choices) {
    if (choice->finished) continue;
    scheduler_.remove(choice->sequence);
    choices_.erase(choice->sequence);
  }
  report(*at->second, FinishReason::kAbort);
  live_.erase(at);
}

bool Engine::step() {
  const StepPlan plan = scheduler_.plan();
  if (plan.empty()) return false;
  note_scheduled(plan);
  const Ticket ticket = runner_.submit(plan);
  StepResult result = runner_.wait(ticket);
  commit(result);
  if (observer_) observer_->on_step(plan, result);
  publish();
  return true;
}

void Engine::note_scheduled(const StepPlan& plan) {
  for (const StepPlan::Open& opened : plan.opened) {
    RequestTimes& times = choices_.at(opened.sequence)->live->times;
    if (times.first_scheduled_ns == 0) times.first_scheduled_ns = clock_.now_ns();
  }
}

void Engine::commit(StepResult& result) {
  const int64_t now_ns = clock_.now_ns();
  for (RowResult& row : result.rows) {
    const auto at = choices_.find(row.sequence);
    KT_CHECK(at != choices_.end(), "a result for a sequence that has ended");
    commit_row(*at->second, row, now_ns);
  }
}

void Engine::commit_row(Choice& choice, RowResult& row, int64_t now_ns) {
  // A recomputed prompt brings the same values again, in the same places.
  for (size_t i = 0; i < row.prompt_logprobs.size() && !choice.prompt_logprobs.empty(); ++i) {
    const auto position = static_cast<size_t>(row.first_prompt_position) + i;
    choice.prompt_logprobs[position - 1] = std::move(row.prompt_logprobs[i]);
  }
  if (!row.sampled) return;
  Live& live = *choice.live;
  ChoiceDelta delta;
  delta.request = live.request->id;
  delta.choice = choice.index;
  delta.prompt_logprobs = std::exchange(choice.prompt_logprobs, {});
  if (row.sample.bad_logits) {
    delta.error = "the model produced logits that are not finite numbers (NaN or Inf)";
    end(choice, FinishReason::kError, delta);
  } else if (choice.params().max_tokens == 0) {
    end(choice, FinishReason::kLength, delta);
  } else {
    if (live.times.first_token_ns == 0) live.times.first_token_ns = now_ns;
    if (observer_) {
      const bool first = choice.output_tokens == 0;
      const int64_t since_ns = now_ns - (first ? live.request->arrival_ns : choice.last_token_ns);
      observer_->on_token(*live.request, since_ns, first);
    }
    choice.last_token_ns = now_ns;
    if (choice.params().logprobs) delta.logprobs.push_back(std::move(row.logprob));
    commit_token(choice, row.sample.token, delta);
  }
  outbox_.emplace_back(live.sink, std::move(delta));
  if (live.unfinished == 0) {
    live.times.finished_ns = now_ns;
    report(live, *outbox_.back().second.finish);
    live_.erase(live.request->id);
  }
}

// Appends the token, and ends the choice if it says so: EOS, a stop id, a stop string, the limit.
void Engine::commit_token(Choice& choice, int32_t token, ChoiceDelta& delta) {
  const SamplingParams& params = choice.params();
  const auto contains = [&](const std::vector<int32_t>& ids) {
    return std::find(ids.begin(), ids.end(), token) != ids.end();
  };
  delta.tokens.push_back(token);
  ++choice.output_tokens;
  ++choice.live->times.output_tokens;
  const bool may_stop = choice.output_tokens > params.min_tokens;
  const bool stops = (!params.ignore_eos && contains(choice.live->request->eos_token_ids)) ||
                     contains(params.stop_token_ids);
  if (stops && may_stop) {
    end(choice, FinishReason::kStop, delta);
    return;
  }
  if (choice.text) {
    TextStream::Piece piece = choice.text->push(token, may_stop);
    delta.text = std::move(piece.text);
    if (piece.stopped) {
      delta.stop_reason = std::move(piece.stopped);
      end(choice, FinishReason::kStop, delta);
      return;
    }
  }
  if (choice.output_tokens >= params.max_tokens) end(choice, FinishReason::kLength, delta);
}

void Engine::end(Choice& choice, FinishReason reason, ChoiceDelta& delta) {
  if (choice.text && !delta.stop_reason) delta.text += choice.text->finish();
  delta.finish = reason;
  choice.finished = true;
  --choice.live->unfinished;
  scheduler_.remove(choice.sequence);
  choices_.erase(choice.sequence);
}

void Engine::report(const Live& live, FinishReason reason) {
  if (!observer_) return;
  RequestTimes times = live.times;
  times.finish = reason;
  if (times.finished_ns == 0) times.finished_ns = clock_.now_ns();
  observer_->on_finish(*live.request, times);
}

void Engine::publish() {
  for (const auto& [sink, delta] : outbox_) sink->on_delta(delta);
  outbox_.clear();
}

}  // namespace kilotoken
