#include "engine/run/engine.h"

#include <algorithm>

namespace kilotoken {

const char* name_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kAbort:
      return "abort";
    case FinishReason::kError:
      return "error";
  }
  return "error";
}

struct Engine::Live {
  std::shared_ptr<const Request> request;
  std::shared_ptr<OutputSink> sink;
  std::vector<std::unique_ptr<Choice>> choices;
  int unfinished = 0;
  RequestTimes times;
};

struct Engine::Choice {
  Live* live = nullptr;
  Sequence* sequence = nullptr;  // of the scheduler's, until it ends
  int index = 0;
  std::optional<TextStream> text;  // none without a tokenizer
  int output_tokens = 0;
  int64_t last_token_ns = 0;
  int preemptions = 0;        // those after which it runs again
  int64_t waits_from_ns = 0;  // its last token before the preemption it comes back from; 0: none
  std::vector<TokenLogprob> prompt_logprobs;  // of positions 1.. of the prompt, until delivered
  bool finished = false;

  const SamplingParams& params() const { return live->request->sampling; }
};

Engine::Engine(const SchedulerConfig& config, PagePool& pool, PrefixCache* cache, Runner& runner,
               const Tokenizer* tokenizer, const Clock& clock, StepObserver* observer, Loop loop)
    : runner_(runner),
      tokenizer_(tokenizer),
      limits_{config.page_tokens, pool.page_count()},
      clock_(clock),
      observer_(observer),
      loop_(loop),
      scheduler_(config, pool, cache) {}

Engine::~Engine() {
  if (in_flight_) runner_.wait(in_flight_->ticket);
}

void Engine::refuse(const Request& request, const std::string& why, OutputSink& sink) {
  for (int choice = 0; choice < request.sampling.n; ++choice) {
    ChoiceDelta delta;
    delta.request = request.id;
    delta.choice = choice;
    delta.finish = FinishReason::kError;
    delta.error = why;
    sink.on_delta(delta);
  }
}

void Engine::add(std::shared_ptr<const Request> request, std::shared_ptr<OutputSink> sink) {
  const Result<void> possible = limits_.check(*request);
  if (!possible.ok()) return refuse(*request, possible.error().message, *sink);
  if (live_.contains(request->id)) {
    return refuse(*request,
                  "request id " + std::to_string(request->id) + " is in use: ids must differ",
                  *sink);
  }
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
    choice->index = i;
    if (tokenizer_) choice->text.emplace(*tokenizer_, at_start, request->sampling);
    if (request->sampling.prompt_logprobs) {
      choice->prompt_logprobs.resize(request->prompt.size() - 1);
    }
    auto sequence = std::make_unique<Sequence>();
    sequence->id = next_sequence_++;
    sequence->request = request;
    sequence->choice = i;
    sequence->length = static_cast<int>(request->prompt.size());
    sequence->queued_ns = clock_.now_ns();
    choice->sequence = sequence.get();
    choices_.emplace(sequence->id, choice.get());
    scheduler_.add(std::move(sequence));
    live->choices.push_back(std::move(choice));
  }
  live_.emplace(request->id, std::move(live));
}

void Engine::cancel(RequestId id) {
  const auto at = live_.find(id);
  if (at == live_.end()) return;
  for (const auto& choice : at->second->choices) {
    if (choice->finished) continue;
    choices_.erase(choice->sequence->id);
    scheduler_.remove(choice->sequence->id);
  }
  report(*at->second, FinishReason::kAbort);
  live_.erase(at);
}

bool Engine::step() { return loop_ == Loop::kSequential ? step_sequential() : step_overlap(); }

std::optional<Engine::Flight> Engine::plan_and_submit() {
  if (budget_) scheduler_.set_token_budget(budget_->tokens(scheduler_));
  StepPlan plan = scheduler_.plan(clock_.now_ns());
  if (plan.empty()) return std::nullopt;
  note_scheduled(plan);
  const Ticket ticket = runner_.submit(plan);
  return Flight{std::move(plan), ticket};
}

bool Engine::wait_and_commit(const Flight& flight) {
  StepResult result = runner_.wait(flight.ticket);
  const bool done = result.error.empty();
  if (done) {
    commit(result);
  } else {
    fail(flight.plan, result.error);
  }
  if (observer_) observer_->on_step(flight.plan, result);
  publish();
  return done;
}

void Engine::wait_and_fail(const Flight& flight, const std::string& error) {
  StepResult result = runner_.wait(flight.ticket);
  result.rows.clear();
  result.error = error;
  fail(flight.plan, error);
  if (observer_) observer_->on_step(flight.plan, result);
  publish();
}

void Engine::note_scheduled(const StepPlan& plan) {
  for (const StepPlan::Open& opened : plan.opened) {
    RequestTimes& times = choices_.at(opened.sequence)->live->times;
    if (times.first_scheduled_ns == 0) times.first_scheduled_ns = clock_.now_ns();
    const Choice& choice = *choices_.at(opened.sequence);
    if (choice.index == 0) times.cached_tokens = choice.sequence->cached_tokens;
    if (!observer_) continue;
    observer_->on_begin(*choice.live->request,
                        {choice.index, choice.sequence->cached_tokens, choice.sequence->miss});
  }
  for (const Row& row : plan.rows) {
    Choice& choice = *choices_.at(row.sequence);
    if (choice.sequence->preemptions == choice.preemptions) continue;
    choice.live->times.preemptions += choice.sequence->preemptions - choice.preemptions;
    choice.preemptions = choice.sequence->preemptions;
    choice.waits_from_ns = choice.last_token_ns;
  }
}

void Engine::commit(StepResult& result) {
  const int64_t now_ns = clock_.now_ns();
  for (RowResult& row : result.rows) {
    const auto at = choices_.find(row.sequence);
    if (at == choices_.end()) {
      ++result.wasted_rows;
    } else {
      commit_row(*at->second, row, now_ns);
    }
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
  delta.cached_tokens = live.times.cached_tokens;
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
    if (choice.waits_from_ns > 0) {
      live.times.preempted_ns += now_ns - std::exchange(choice.waits_from_ns, 0);
    }
    choice.last_token_ns = now_ns;
    if (choice.params().logprobs) delta.logprobs.push_back(std::move(row.logprob));
    commit_token(choice, row.sample.token, delta);
  }
  publish_later(choice, std::move(delta), now_ns);
}

// Ends the request, too, if that was its last choice.
void Engine::publish_later(Choice& choice, ChoiceDelta delta, int64_t now_ns) {
  Live& live = *choice.live;
  const bool last = live.unfinished == 0;
  if (last) {
    live.times.finished_ns = now_ns;
    live.times.finish = *delta.finish;
    delta.times = live.times;
  }
  outbox_.emplace_back(live.sink, std::move(delta));
  if (!last) return;
  report(live, live.times.finish);
  live_.erase(live.request->id);
}

// A step that was not computed: whoever had a row in it ends with the reason, the others go on.
void Engine::fail(const StepPlan& plan, const std::string& error) {
  for (const Row& row : plan.rows) {
    std::vector<SequenceId> hit = row.forks;
    hit.push_back(row.sequence);
    for (const SequenceId sequence : hit) {
      const auto at = choices_.find(sequence);
      if (at != choices_.end()) fail_choice(*at->second, error);
    }
  }
  scheduler_.distrust_pages();
}

void Engine::fail_choice(Choice& choice, const std::string& error) {
  ChoiceDelta delta;
  delta.request = choice.live->request->id;
  delta.choice = choice.index;
  delta.cached_tokens = choice.live->times.cached_tokens;
  delta.error = error;
  end(choice, FinishReason::kError, delta);
  publish_later(choice, std::move(delta), clock_.now_ns());
}

// Appends the token, and ends the choice if it says so: EOS, a stop id, a stop string, the limit.
void Engine::commit_token(Choice& choice, int32_t token, ChoiceDelta& delta) {
  const SamplingParams& params = choice.params();
  const auto contains = [&](const std::vector<int32_t>& ids) {
    return std::find(ids.begin(), ids.end(), token) != ids.end();
  };
  delta.tokens.push_back(token);
  choice.sequence->output.push_back(token);
  ++choice.output_tokens;
  RequestTimes& times = choice.live->times;
  ++times.output_tokens;
  times.longest_output_tokens = std::max(times.longest_output_tokens, choice.output_tokens);
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
  const SequenceId id = choice.sequence->id;
  choices_.erase(id);
  if (reason == FinishReason::kError) {
    scheduler_.remove_poisoned(id);
  } else {
    scheduler_.remove(id);
  }
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
