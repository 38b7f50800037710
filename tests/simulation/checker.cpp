#include "checker.h"

#include <algorithm>

#include "engine/run/simulated_kv.h"

namespace kilotoken::simulation {
namespace {

// Steps that the oldest sequence may go without a row. (Without a KV cache each has its turn; and
// with one token a step, decodes are as many as the budget.)
constexpr int64_t kPatience = 8, kPatienceInTurns = 4000;

}  // namespace

class Checker::Sink final : public OutputSink {
 public:
  Sink(Checker& checker, Asked& asked) : checker_(checker), asked_(asked) {}
  void on_delta(const ChoiceDelta& delta) override { checker_.see_delta(asked_, delta); }

 private:
  Checker& checker_;
  Asked& asked_;
};

Checker::Checker(const Scenario& scenario, const Clock& clock, const PagePool& pool, Tally& tally)
    : scenario_(scenario), clock_(clock), pool_(pool), tally_(tally) {
  read_in_.assign(static_cast<size_t>(pool.page_count()), -1);
  written_in_ = read_in_;
}

void Checker::fail(const std::string& what) {
  if (failure_.empty()) failure_ = "step " + std::to_string(steps_) + ": " + what;
}

bool Checker::require(bool holds, const char* what, int64_t is, int64_t limit) {
  ++tally_[kChecks];
  if (!holds) [[unlikely]] {
    fail(std::string(what) + " (" + std::to_string(is) + ", " + std::to_string(limit) + ")");
  }
  return holds;
}

std::shared_ptr<OutputSink> Checker::accept(const Client& client) {
  Asked& asked = asked_[client.request->id];
  asked.client = client;
  for (int choice = 0; choice < client.request->sampling.n; ++choice) {
    asked.answers.push_back(
        {{}, right_output(*client.request, choice, scenario_.scheduler.page_tokens)});
  }
  asked.unfinished = client.request->sampling.n;
  live_choices_ += asked.unfinished;
  asked.first_sequence = next_sequence_;
  for (int i = 0; i < asked.unfinished; ++i) alive_.insert(next_sequence_++);
  if (client.leaves_after_tokens == 0) leaving_.push_back(client.request->id);
  return std::make_shared<Sink>(*this, asked);
}

bool Checker::is_live(RequestId id) const {
  const auto at = asked_.find(id);
  return at != asked_.end() && !at->second.gone && at->second.unfinished > 0;
}

void Checker::cancel(RequestId id) {
  Asked& asked = asked_.at(id);
  asked.gone = true;
  live_choices_ -= asked.unfinished;
  for (size_t i = 0; i < asked.answers.size(); ++i) alive_.erase(asked.first_sequence + i);
}

std::vector<RequestId> Checker::clients_that_leave() { return std::exchange(leaving_, {}); }

std::vector<RequestId> Checker::requests_hit() const {
  std::vector<RequestId> ids;
  for (const auto& [id, asked] : asked_) {
    const auto hit = [](const Asked::Answer& answer) { return answer.hit_by_fault; };
    if (std::ranges::any_of(asked.answers, hit)) ids.push_back(id);
  }
  return ids;
}

void Checker::check_row(const Row& row) {
  const auto at = running_.find(row.sequence);
  if (!require(at != running_.end(), "a row of a sequence that was not opened")) return;
  Running& running = at->second;
  const int page_tokens = scenario_.scheduler.page_tokens;
  require(running.seen_in != steps_, "two rows of one sequence");
  running.seen_in = steps_;
  const Asked::Answer& answer = running.asked->answers[static_cast<size_t>(running.choice)];
  require(!running.asked->gone && !answer.ended, "a row of a sequence that has ended");
  require(row.count >= 1, "a row without tokens");
  // What the prefix cache had by now may be passed over, and nothing else: pages, and all of a
  // prompt but its last token, where its last page is copied or taken from the cache.
  const auto last = static_cast<int>(running.asked->client.request->prompt.size()) - 1;
  const bool from_cache =
      scenario_.prefix_cache && (row.first % page_tokens == 0 || row.first == last);
  require(row.first <= running.next || from_cache, "tokens were passed over", row.first,
          running.next);
  running.next = row.first + row.count;
  // With overlap the token that is being sampled counts as known.
  const auto known =
      static_cast<int64_t>(running.asked->client.request->prompt.size() + answer.tokens.size()) +
      (scenario_.loop == Loop::kOverlap ? 1 : 0);
  require(running.next <= known, "a row goes beyond what is known", running.next, known);
  const auto pages = static_cast<int>(row.pages.size());
  if (!require(running.next <= pages * page_tokens, "a row without a page for each token",
               running.next, int64_t{pages} * page_tokens)) {
    return;
  }
  for (int i = 0; i < pages; ++i) {
    const auto page = static_cast<size_t>(row.pages[static_cast<size_t>(i)]);
    require(pool_.references(row.pages[static_cast<size_t>(i)]) >= 1, "a row with a free page");
    if (read_in_[page] != steps_) ++pages_read_;
    read_in_[page] = steps_;
    if (i < row.first / page_tokens || i > (running.next - 1) / page_tokens) continue;
    require(written_in_[page] != steps_, "two rows write one page");
    written_in_[page] = steps_;
  }
  note(row.sequence * 1'000'003 + static_cast<uint64_t>(row.first) * 1009 +
       static_cast<uint64_t>(row.count));
}

void Checker::check_budget(const StepPlan& plan) {
  const SchedulerConfig& config = scenario_.scheduler;
  const auto rows = static_cast<int64_t>(plan.rows.size());
  require(rows <= config.max_num_seqs, "more rows than sequences may run", rows,
          config.max_num_seqs);
  // A prompt that must go in one piece may be longer than the budget, but only one.
  const auto is_long = [](const Row& row) { return row.count > 1; };
  if (!config.chunked_prefill && std::ranges::count_if(plan.rows, is_long) == 1) return;
  require(plan.tokens() <= config.max_num_batched_tokens, "more tokens than the budget",
          plan.tokens(), config.max_num_batched_tokens);
}

// Who forks off has the same prompt, all of which is computed.
void Checker::check_forks(const Row& row) {
  const auto leader = running_.find(row.sequence);
  for (const SequenceId fork : row.forks) {
    const auto at = running_.find(fork);
    if (!require(at != running_.end() && leader != running_.end(), "a fork that was not opened")) {
      return;
    }
    const Request& request = *at->second.asked->client.request;
    const Request& led = *leader->second.asked->client.request;
    require(request.prompt == led.prompt && request.cache_salt == led.cache_salt,
            "a fork with another prompt");
    require(row.samples && row.first + row.count == static_cast<int>(request.prompt.size()),
            "a fork in mid-prompt", row.first + row.count);
    at->second.next = row.first + row.count;
    ++tally_[kForks];
  }
}

void Checker::see_plan(const StepPlan& plan, const Scheduler& scheduler) {
  for (const SequenceId closed : plan.closed) {
    require(running_.erase(closed) == 1, "a sequence is closed that was not open");
  }
  for (const StepPlan::Open& opened : plan.opened) {
    Asked& asked = asked_.at(opened.request->id);
    require(running_.emplace(opened.sequence, Running{&asked, opened.choice}).second,
            "a sequence is opened twice");
  }
  if (!scenario_.scheduler.preempt_every_step) tally_[kPreempted] += plan.preempted;
  if (plan.rows.empty()) return;
  ++steps_;
  pages_read_ = 0;
  for (const Row& row : plan.rows) check_row(row);
  for (const Row& row : plan.rows) check_forks(row);
  check_budget(plan);
  require(pages_read_ <= scheduler.pages_in_use(), "rows have more pages than are in use",
          pages_read_, scheduler.pages_in_use());
  ++tally_[kSteps];
  tally_[kRows] += static_cast<int64_t>(plan.rows.size());
  const auto served = running_.find(oldest_);
  if (served != running_.end() && served->second.seen_in == steps_) oldest_served_ = steps_;
}

void Checker::see_result(const StepPlan& plan, const StepResult& result) {
  note(static_cast<uint64_t>(clock_.now_ns()));
  size_t expected = plan.rows.size();
  for (const Row& row : plan.rows) expected += row.forks.size();
  require(!result.error.empty() || result.rows.size() == expected, "results are missing");
  for (const RowResult& row : result.rows) {
    if (row.sample.bad_logits) hit(row.sequence);
  }
}

void Checker::see_failure(const StepPlan& plan) {
  for (const Row& row : plan.rows) {
    hit(row.sequence);
    for (const SequenceId fork : row.forks) hit(fork);
  }
}

// NaN is noticed in logits. Of a prompt that was given up before its last token nobody knows, and
// the next who shares its pages finds out.
void Checker::no_more_faults() {
  faults_ended_ = std::ranges::none_of(
      asked_, [](const auto& entry) { return entry.second.met_nan && entry.second.gone; });
}

void Checker::hit(SequenceId sequence) {
  const auto at = running_.find(sequence);
  if (at == running_.end()) return;  // it has ended, and been closed, since this was begun
  require(!faults_ended_, "NaN is found again when all faults are over");
  at->second.asked->answers[static_cast<size_t>(at->second.choice)].hit_by_fault = true;
}

void Checker::see_delta(Asked& asked, const ChoiceDelta& delta) {
  require(!asked.gone, "news for a client that has left");
  require(delta.request == asked.client.request->id, "news of somebody else's request");
  Asked::Answer& answer = asked.answers.at(static_cast<size_t>(delta.choice));
  require(!answer.ended, "news after the end");
  const std::vector<int32_t>& right = answer.right.tokens;
  for (const int32_t token : delta.tokens) {
    const size_t at = answer.tokens.size();
    if (at < right.size()) {
      require(token == right[at], "a wrong token", token, right[at]);
    } else {
      require(false, "a token after the last one", static_cast<int64_t>(at));
    }
    answer.tokens.push_back(token);
    note(static_cast<uint64_t>(token) + (static_cast<uint64_t>(delta.choice) << 32));
  }
  const SamplingParams& sampling = asked.client.request->sampling;
  if (sampling.logprobs) {
    require(delta.logprobs.size() == delta.tokens.size(), "log probabilities are missing");
  }
  if (sampling.prompt_logprobs) check_prompt_logprobs(asked, delta);
  tokens_seen_ += static_cast<int64_t>(delta.tokens.size());
  asked.token_count += static_cast<int64_t>(delta.tokens.size());
  if (asked.first_token_ns == 0) asked.first_token_ns = clock_.now_ns();
  const Client& client = asked.client;
  if (client.token_ns > 0) {
    const int64_t read = (clock_.now_ns() - asked.first_token_ns) / client.token_ns;
    if (asked.token_count - read > client.backlog) leaving_.push_back(client.request->id);
  }
  if (client.leaves_after_tokens >= 0 && asked.token_count >= client.leaves_after_tokens) {
    leaving_.push_back(client.request->id);
  }
  if (delta.finish) see_end(asked, answer, delta);
}

// The first delta brings all of the prompt's, computed in whatever pieces.
void Checker::check_prompt_logprobs(const Asked& asked, const ChoiceDelta& delta) {
  const Asked::Answer& answer = asked.answers[static_cast<size_t>(delta.choice)];
  const bool first = answer.tokens.size() == delta.tokens.size();
  if (!first || !delta.error.empty()) return;
  const std::vector<int32_t>& prompt = asked.client.request->prompt;
  if (!require(delta.prompt_logprobs.size() == prompt.size() - 1,
               "log probabilities of the prompt are missing")) {
    return;
  }
  SimulatedHistory history(asked.client.request->cache_salt, scenario_.scheduler.page_tokens);
  for (size_t i = 0; i + 1 < prompt.size(); ++i) {
    history.append(prompt[i]);
    const TokenLogprob& is = delta.prompt_logprobs[i];
    require(is.token == prompt[i + 1] &&
                is.logprob == simulated_logprob(history.reads(), prompt[i + 1]),
            "a wrong log probability in the prompt", static_cast<int64_t>(i) + 1);
  }
}

void Checker::see_end(Asked& asked, Asked::Answer& answer, const ChoiceDelta& delta) {
  answer.ended = true;
  alive_.erase(asked.first_sequence + static_cast<SequenceId>(delta.choice));
  --asked.unfinished;
  --live_choices_;
  note(static_cast<uint64_t>(*delta.finish));
  if (*delta.finish == FinishReason::kError) {
    require(answer.hit_by_fault, "an error without a fault");
    require(!delta.error.empty(), "an error without a reason");
    ++tally_[delta.error.find("NaN") == std::string::npos ? kFailedChoices : kNanChoices];
    return;
  }
  require(!answer.hit_by_fault, "a fault without an error");
  require(answer.tokens.size() == answer.right.tokens.size(), "it ended too early",
          static_cast<int64_t>(answer.tokens.size()),
          static_cast<int64_t>(answer.right.tokens.size()));
  require(*delta.finish == answer.right.finish, "a wrong reason to end");
  ++tally_[kOutputs];
}

// First come, first served: who runs came before all that wait. (Where tests take pages away from
// everybody, the order is theirs; and who has waited for another to compute its prompt may find
// that later ones run by then.)
void Checker::check_order(const Scheduler& scheduler) {
  const auto& running = scheduler.running();
  const auto& waiting = scheduler.waiting();
  const bool in_order = !scenario_.scheduler.preempt_every_step;
  const auto came_alone = [](const auto& sequence) { return !sequence->followed; };
  const auto first = std::ranges::find_if(waiting, came_alone);
  const auto last = std::find_if(running.rbegin(), running.rend(), came_alone);
  if (in_order && last != running.rend() && first != waiting.end()) {
    require((*last)->id < (*first)->id, "a younger sequence runs, an older one waits",
            static_cast<int64_t>((*last)->id), static_cast<int64_t>((*first)->id));
  }
}

void Checker::check_oldest(const Scheduler& scheduler) {
  if (alive_.empty() || scenario_.scheduler.preempt_every_step) return;
  const SequenceId oldest = *alive_.begin();
  // Who waits, or has waited, for another to compute its prompt comes back to the queue when later
  // ones may run.
  const auto came_alone = [&](const auto& sequence) {
    return sequence->id == oldest && !sequence->followed;
  };
  const bool in_line = std::ranges::any_of(scheduler.running(), came_alone) ||
                       std::ranges::any_of(scheduler.waiting(), came_alone);
  if (oldest != oldest_ || !in_line) oldest_served_ = steps_;
  oldest_ = oldest;
  const SchedulerConfig& config = scenario_.scheduler;
  const bool in_turns = !config.kv_cache || config.max_num_batched_tokens == 1;
  const int64_t patience = in_turns ? kPatienceInTurns : kPatience;
  require(steps_ - oldest_served_ < patience, "the oldest sequence starves",
          static_cast<int64_t>(oldest));
}

// Static batching: who runs is of the batch that was formed, and all of it have room.
void Checker::check_batch(const Scheduler& scheduler) {
  const auto in_batch = [](const auto& sequence) { return sequence->in_batch; };
  require(std::ranges::all_of(scheduler.running(), in_batch), "somebody joined a static batch");
  const int64_t formed =
      scheduler.running_count() + std::ranges::count_if(scheduler.waiting(), in_batch);
  require(formed <= scenario_.scheduler.max_num_seqs, "a static batch is too large", formed,
          scenario_.scheduler.max_num_seqs);
}

void Checker::after_step(const Scheduler& scheduler) {
  require(pool_.used_count() + pool_.free_count() == pool_.page_count(), "pages are lost");
  require(scheduler.pages_in_use() >= 0 && scheduler.pages_in_use() <= pool_.used_count(),
          "pages in use", scheduler.pages_in_use(), pool_.used_count());
  const int64_t queued = scheduler.running_count() + scheduler.waiting_count();
  require(queued == live_choices_, "sequences in the queues, and choices that have not ended",
          queued, live_choices_);
  require(scheduler.running_count() <= scenario_.scheduler.max_num_seqs, "too many run",
          scheduler.running_count(), scenario_.scheduler.max_num_seqs);
  require(tokens_told_ == tokens_seen_, "tokens told of, and delivered", tokens_told_,
          tokens_seen_);
  check_order(scheduler);
  check_oldest(scheduler);
  if (scenario_.scheduler.batching == Batching::kStatic) check_batch(scheduler);
  if (steps_ % 64 != 0) return;
  scheduler.check_integrity();
  ++tally_[kIntegrityChecks];
  if (scenario_.scheduler.preempt_every_step) return;
  std::vector<SequenceId> running;
  for (const auto& sequence : scheduler.running()) {
    if (!sequence->followed) running.push_back(sequence->id);
  }
  const auto by_age = [](const auto& one, const auto& other) { return one->id < other->id; };
  require(std::ranges::is_sorted(running), "who runs is out of order");
  require(std::ranges::is_sorted(scheduler.waiting(), by_age), "who waits is out of order");
}

void Checker::at_the_end(const Scheduler& scheduler, size_t runner_slots) {
  for (const auto& [id, asked] : asked_) {
    require(asked.gone || asked.unfinished == 0, "a request never ended", static_cast<int64_t>(id));
    require(asked.reported, "no observer heard of a request's end", static_cast<int64_t>(id));
  }
  require(scheduler.idle(), "there is something left to do");
  require(scheduler.pages_in_use() == 0, "pages are in use by nobody", scheduler.pages_in_use());
  require(runner_slots == 0, "the runner remembers sequences that ended",
          static_cast<int64_t>(runner_slots));
  scheduler.check_integrity();
  ++tally_[kIntegrityChecks];
}

void Checker::on_begin(const Request& request, const ChoiceBegin& begin) {
  require(
      begin.cached_tokens >= 0 && begin.cached_tokens <= static_cast<int>(request.prompt.size()),
      "more found than the prompt has to find", begin.cached_tokens,
      static_cast<int64_t>(request.prompt.size()));
  tally_[kFoundTokens] += begin.cached_tokens;
}

void Checker::on_token(const Request&, int64_t since_previous_ns, bool) {
  ++tokens_told_;
  require(since_previous_ns >= 0, "a token before the one before it", since_previous_ns);
}

void Checker::on_finish(const Request& request, const RequestTimes& times) {
  Asked& asked = asked_.at(request.id);
  require(!asked.reported, "a request's end is told twice", static_cast<int64_t>(request.id));
  asked.reported = true;
  require((times.finish == FinishReason::kAbort) == asked.gone, "told of a cancel that was none");
  require(times.finished_ns >= times.arrival_ns, "it ended before it came");
  // What the last step brought is published after this.
  require(times.output_tokens >= asked.token_count, "tokens that nobody counted",
          times.output_tokens, asked.token_count);
}

}  // namespace kilotoken::simulation
