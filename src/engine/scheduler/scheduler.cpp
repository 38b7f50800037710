#include "engine/scheduler/scheduler.h"

#include <algorithm>
#include <set>

namespace kilotoken {

Scheduler::Scheduler(const SchedulerConfig& config, PagePool& pool) : config_(config), pool_(pool) {
  KT_CHECK_GE(config.max_num_seqs, 1);
  KT_CHECK_GE(config.max_num_batched_tokens, 1);
  KT_CHECK_GE(config.page_tokens, 1);
}

Scheduler::~Scheduler() = default;

void Scheduler::add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }

void Scheduler::remove(SequenceId id) {
  const auto drop = [&](auto& queue) {
    const auto at = std::find_if(queue.begin(), queue.end(),
                                 [&](const auto& sequence) { return sequence->id == id; });
    if (at == queue.end()) return false;
    release_pages(**at);
    if ((*at)->opened) closed_.push_back(id);
    queue.erase(at);
    return true;
  };
  if (!drop(running_)) drop(waiting_);
}

bool Scheduler::take_pages(Sequence& sequence, int tokens) {
  const auto needed = static_cast<size_t>((tokens + config_.page_tokens - 1) / config_.page_tokens);
  if (needed <= sequence.pages.size()) return true;
  if (needed - sequence.pages.size() > static_cast<size_t>(pool_.free_count())) return false;
  while (sequence.pages.size() < needed) {
    auto page = pool_.allocate();
    KT_CHECK(page.ok(), "the pool said it had enough free pages");
    sequence.pages.push_back(*page);
  }
  return true;
}

void Scheduler::release_pages(Sequence& sequence) {
  for (const int32_t page : sequence.pages) pool_.release(page);
  sequence.pages.clear();
}

void Scheduler::preempt(size_t index, StepPlan& plan) {
  std::unique_ptr<Sequence> victim = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  release_pages(*victim);
  victim->computed = 0;
  ++victim->preemptions;
  ++plan.preempted;
  ++preemptions_;
  waiting_.push_front(std::move(victim));  // it came before all that wait
}

void Scheduler::preempt_decoding(StepPlan& plan) {
  for (size_t i = running_.size(); i-- > 0;) {
    const bool has_sampled = running_[i]->length > running_[i]->admitted_length;
    if (has_sampled) preempt(i, plan);
  }
}

void Scheduler::add_row(Sequence& sequence, int count, StepPlan& plan) {
  if (!sequence.opened) {
    plan.opened.push_back({sequence.id, sequence.request, sequence.choice});
    sequence.opened = true;
  }
  Row row;
  row.sequence = sequence.id;
  row.first = sequence.computed;
  row.count = count;
  row.samples = count == sequence.remaining();
  const bool in_prompt = row.first < sequence.prompt_tokens();
  if (row.samples) row.wants_logits = LogitsWanted::kLast;
  if (in_prompt && sequence.request->sampling.prompt_logprobs)
    row.wants_logits = LogitsWanted::kAll;
  row.pages = sequence.pages;
  sequence.computed += count;
  if (row.samples) ++sequence.length;
  plan.rows.push_back(std::move(row));
}

void Scheduler::continue_decodes(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens;
  for (size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.remaining() != 1) continue;
    // The youngest gives way to the older ones, at last this one itself: then it waits. Rows are
    // made oldest first, so none that is preempted has a row yet.
    while (i < running_.size() && !take_pages(sequence, sequence.length)) {
      preempt(running_.size() - 1, plan);
    }
    if (i == running_.size()) return;
    add_row(sequence, 1, plan);
    --budget;
  }
}

void Scheduler::continue_prompts(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens - plan.tokens();
  for (const auto& sequence : running_) {
    if (budget == 0) return;
    if (sequence->remaining() == 1) continue;
    const int count = std::min(sequence->remaining(), budget);
    add_row(*sequence, count, plan);  // its pages were taken at admission
    budget -= count;
  }
}

void Scheduler::admit_waiting(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens - plan.tokens();
  while (budget > 0 && !waiting_.empty() && running_count() < config_.max_num_seqs) {
    Sequence& sequence = *waiting_.front();
    // Room for the whole of what is known, so that what is admitted is not soon thrown out again.
    if (!take_pages(sequence, sequence.length)) return;
    sequence.admitted_length = sequence.length;
    const int count = std::min(sequence.remaining(), budget);
    add_row(sequence, count, plan);
    budget -= count;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

StepPlan Scheduler::plan() {
  StepPlan plan;
  plan.closed = std::move(closed_);
  closed_.clear();
  if (config_.preempt_every_step) preempt_decoding(plan);
  continue_decodes(plan);
  continue_prompts(plan);
  // What was just thrown out must not come back in the same step and throw out others in turn.
  if (plan.preempted == 0 || config_.preempt_every_step) admit_waiting(plan);
  return plan;
}

void Scheduler::check_integrity() const {
  std::set<SequenceId> seen;
  int held = 0;
  const auto count = [&](const Sequence& sequence) {
    KT_CHECK(seen.insert(sequence.id).second, "a sequence stands in two queues");
    KT_CHECK_LE(sequence.computed, sequence.length);
    held += static_cast<int>(sequence.pages.size());
  };
  for (const auto& sequence : running_) count(*sequence);
  for (const auto& sequence : waiting_) count(*sequence);
  KT_CHECK_EQ(held, pool_.used_count());
  pool_.check_integrity();
}

}  // namespace kilotoken
