#include "engine/scheduler/scheduler.h"

#include <algorithm>
#include <map>
#include <set>

namespace kilotoken {

Scheduler::Scheduler(const SchedulerConfig& config, PagePool& pool, PrefixCache* cache)
    : config_(config), pool_(pool), cache_(cache) {
  KT_CHECK_GE(config.max_num_seqs, 1);
  KT_CHECK_GE(config.max_num_batched_tokens, 1);
  KT_CHECK_GE(config.page_tokens, 1);
  if (cache) KT_CHECK_EQ(cache->page_tokens(), config.page_tokens);
  KT_CHECK(config.kv_cache || !cache, "without a KV cache there is nothing for a prefix cache");
}

Scheduler::~Scheduler() = default;

void Scheduler::remove(SequenceId id) {
  const auto drop = [&](auto& queue) {
    const auto at = std::find_if(queue.begin(), queue.end(),
                                 [&](const auto& sequence) { return sequence->id == id; });
    if (at == queue.end()) return false;
    share_computed(**at);
    release_pages(**at);
    if ((*at)->opened) closed_.push_back(id);
    if ((*at)->in_batch) --batch_left_;
    for (auto& follower : groups_.dissolve(**at)) returning_.push_back(std::move(follower));
    queue.erase(at);
    return true;
  };
  if (!drop(running_) && !drop(waiting_) && !drop(returning_)) groups_.take(id);
}

void Scheduler::remove_poisoned(SequenceId id) {
  remove(id);
  if (cache_) cache_->forget_all();
}

void Scheduler::distrust_pages() {
  while (!running_.empty()) give_way(running_.size() - 1);
  enqueue_returning();
  for (const auto& forked : waiting_) {
    release_pages(*forked);
    forked->computed = 0;
  }
  if (cache_) cache_->forget_all();
}

// Frees up to `pages` more: of those only cached, then of those that sequences waiting have forked
// off with, the last to come first. Returns how many it is short of.
int Scheduler::make_room(int pages, const Sequence& keep) {
  if (pages <= 0 || !cache_) return pages;
  pages -= cache_->evict(pages);
  for (size_t i = waiting_.size(); i-- > 0 && pages > 0;) {
    Sequence& waiting = *waiting_[i];
    if (waiting.pages.empty() || &waiting == &keep) continue;
    release_pages(waiting);
    waiting.computed = 0;
    pages -= cache_->evict(pages);
  }
  return pages;
}

bool Scheduler::take_pages(Sequence& sequence, int tokens) {
  const int needed = (tokens + config_.page_tokens - 1) / config_.page_tokens;
  const int missing = std::max(0, needed - static_cast<int>(sequence.pages.size()));
  bool copy = cache_ && must_copy(sequence);
  if (missing == 0 && !copy) return true;
  int short_of = make_room(missing + (copy ? 1 : 0) - pool_.free_count(), sequence);
  if (short_of > 0 && copy && take_over_page(sequence)) {
    copy = false;
    short_of = make_room(missing - pool_.free_count(), sequence);
  }
  if (short_of > 0) return false;
  if (copy) copy_page(sequence);
  for (int i = 0; i < missing; ++i) {
    auto page = pool_.allocate();
    KT_CHECK(page.ok(), "the pool said it had enough free pages");
    sequence.pages.push_back(*page);
  }
  return true;
}

void Scheduler::release_pages(Sequence& sequence) {
  // From the end: what was promised and not computed is taken back, unless another waits for it;
  // the last of those that wait takes it back, too.
  while (!sequence.cached.empty()) {
    PrefixCache::Node* node = sequence.cached.back();
    sequence.cached.pop_back();
    if (node->ready) continue;
    if (node->computed_by == sequence.id) node->computed_by = 0;
    if (node->computed_by != 0) continue;
    const bool only_here = pool_.references(node->page) == 2;  // the cache's and this one's
    if (only_here) cache_->withdraw(node);
  }
  sequence.settled = 0;
  for (const int32_t page : sequence.pages) pool_.release(page);
  sequence.pages.clear();
}

// Gives a waiting sequence its pages, or leaves it as it was.
bool Scheduler::admit(Sequence& sequence) {
  const bool forked = !sequence.pages.empty();
  if (!forked) find_prefix(sequence);
  // Room for the whole of what is known, so that what is admitted is not soon thrown out again.
  if (!take_pages(sequence, sequence.length)) {
    if (forked) return false;
    release_pages(sequence);
    sequence.computed = 0;
    return false;
  }
  if (!forked) {
    promise_pages(sequence);
    skip_ready(sequence);
  }
  sequence.admitted_length = sequence.length;
  return true;
}

// A running sequence gives up its pages and waits again.
void Scheduler::give_way(size_t index) {
  std::unique_ptr<Sequence> victim = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  share_computed(*victim);
  release_pages(*victim);
  victim->computed = 0;
  ++victim->preemptions;
  ++preemptions_;
  enqueue(std::move(victim));  // it came before all that wait
}

void Scheduler::preempt(size_t index, StepPlan& plan) {
  give_way(index);
  ++plan.preempted;
}

void Scheduler::preempt_decoding(StepPlan& plan) {
  for (size_t i = running_.size(); i-- > 0;) {
    const bool has_sampled = running_[i]->length > running_[i]->admitted_length;
    if (has_sampled && !running_[i]->exhausted()) preempt(i, plan);
  }
}

void Scheduler::add_row(Sequence& sequence, int count, StepPlan& plan) {
  if (!sequence.opened) note_begin(sequence, sequence.computed, plan);
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
  if (row.samples) {
    if (sequence.group != 0) fork_followers(sequence, row, plan);
    ++sequence.length;
    sequence.sampled_at = steps_;
    sequence.starts_over = !config_.kv_cache;
  }
  plan.rows.push_back(std::move(row));
}

void Scheduler::continue_decodes(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens;
  // A token is left for prompts: those that waited for shared pages with one may decode by now, and
  // be as many as the budget.
  const auto at_prompt = [](const auto& sequence) { return sequence->remaining() > 1; };
  if (budget > 1 && std::ranges::any_of(running_, at_prompt)) --budget;
  for (size_t i = 0; i < running_.size() && budget > 0; ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.remaining() != 1 || sequence.exhausted()) continue;
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

// How many tokens of a prompt to compute now. A prompt that must go in one piece, and has more of
// them than the step has left, has a step without other prompts.
int Scheduler::next_count(Sequence& sequence, int budget, const StepPlan& plan) {
  if (config_.chunked_prefill) return startable(sequence, budget);
  const int count = startable(sequence, sequence.remaining());
  if (count <= budget) return count;
  const bool alone = std::ranges::all_of(plan.rows, [](const Row& row) { return row.count == 1; });
  return alone ? count : 0;
}

void Scheduler::continue_prompts(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens - plan.tokens();
  std::vector<Sequence*> order;
  for (const auto& sequence : running_) order.push_back(sequence.get());
  // Every token costs as much as a prompt: who had its last one longest ago comes first.
  if (!config_.kv_cache) std::ranges::stable_sort(order, {}, &Sequence::sampled_at);
  for (Sequence* sequence : order) {
    if (budget <= 0) return;
    if (sequence->remaining() == 1 || sequence->exhausted()) continue;
    const int count = next_count(*sequence, budget, plan);
    if (count == 0) continue;
    add_row(*sequence, count, plan);  // its pages were taken before
    budget -= count;
  }
}

void Scheduler::admit_waiting(StepPlan& plan) {
  int budget = config_.max_num_batched_tokens - plan.tokens();
  while (budget > 0 && !waiting_.empty() && running_count() < config_.max_num_seqs) {
    Sequence& sequence = *waiting_.front();
    if (!may_join(sequence) || !admit(sequence)) return;
    const int count = next_count(sequence, budget, plan);
    if (count > 0) add_row(sequence, count, plan);
    budget -= count;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

StepPlan Scheduler::plan(int64_t now_ns) {
  StepPlan plan;
  ++steps_;
  plan.closed = std::move(closed_);
  closed_.clear();
  for (const int32_t page : std::exchange(copied_from_, {})) pool_.release(page);
  enqueue_returning();
  for (const auto& sequence : running_) share_computed(*sequence);
  for (const auto& sequence : running_) skip_ready(*sequence);
  if (!config_.kv_cache) forget_computed(plan);
  if (config_.preempt_every_step) preempt_decoding(plan);
  continue_decodes(plan);
  continue_prompts(plan);
  form_batch(now_ns);
  // What was just thrown out must not come back in the same step and throw out others in turn.
  if (plan.preempted == 0 || config_.preempt_every_step) admit_waiting(plan);
  plan.copies = std::exchange(copies_, {});
  return plan;
}

void Scheduler::check_integrity() const {
  std::set<SequenceId> seen;
  std::map<int32_t, int> held;  // by page
  const auto count = [&](const Sequence& sequence) {
    KT_CHECK(seen.insert(sequence.id).second, "a sequence stands in two queues");
    KT_CHECK_LE(sequence.computed, sequence.length);
    KT_CHECK_LE(sequence.cached.size(), sequence.pages.size());
    for (size_t i = 0; i < sequence.cached.size(); ++i) {
      KT_CHECK_EQ(sequence.cached[i]->page, sequence.pages[i]);
    }
    for (const int32_t page : sequence.pages) ++held[page];
  };
  for (const auto& sequence : running_) count(*sequence);
  for (const auto& sequence : waiting_) count(*sequence);
  for (const auto& sequence : returning_) count(*sequence);
  groups_.for_each_follower([&](const Sequence& follower) {
    count(follower);
    KT_CHECK(follower.pages.empty(), "who has not begun has no pages");
  });
  for (const int32_t page : copied_from_) ++held[page];
  if (cache_) {
    for (const int32_t page : cache_->pages()) ++held[page];
    cache_->check_integrity();
  }
  for (const auto& [page, holders] : held) KT_CHECK_EQ(pool_.references(page), holders);
  KT_CHECK_EQ(static_cast<int>(held.size()), pool_.used_count());
  pool_.check_integrity();
}

}  // namespace kilotoken
