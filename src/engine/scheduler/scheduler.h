#pragma once
// Scheduler: decides what the next step computes. Pure and deterministic: the same queues, pages,
// budgets and time give the same StepPlan; no device, no I/O, no clock. It owns the sequences
// it was given.

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/kv/page_pool.h"
#include "engine/scheduler/prompt_groups.h"
#include "engine/scheduler/request.h"
#include "engine/scheduler/scheduler_config.h"

namespace kilotoken {

// First come first served. Running sequences go first, decodes before prompts, so that a long
// prompt never stalls a stream; then the queue is admitted in order. When pages run out, cached
// ones that nobody uses go first, then the youngest running sequence gives its pages back and is
// computed anew later (preemption by recompute).
//
// With a prefix cache, a sequence begins with the pages that are there. Where another sequence is
// still computing them, it holds them too and waits, rather than compute them twice; if the other
// one ends before, the oldest that waits goes on with them. Of sequences with the same prompt the
// first computes it, and the others fork off: they sample from its logits, and copy the last page
// when they write to it.
class Scheduler {
 public:
  Scheduler(const SchedulerConfig& config, PagePool& pool, PrefixCache* cache = nullptr);
  ~Scheduler();

  void add(std::unique_ptr<Sequence> sequence);  // to the end of the queue
  // Takes a sequence out wherever it is and gives its pages back.
  void remove(SequenceId id);
  // remove(), after logits that were no numbers: whatever is cached may be why.
  void remove_poisoned(SequenceId id);
  // After a step that failed, and without its sequences: what pages hold is not to be trusted.
  void distrust_pages();

  void set_token_budget(int tokens) { config_.max_num_batched_tokens = tokens; }
  int token_budget() const { return config_.max_num_batched_tokens; }

  // Advances `computed` and `length` of each sequence in the plan as if the step were done.
  StepPlan plan(int64_t now_ns = 0);
  // With static batching, nothing running and too few waiting: when a batch is formed all the same.
  std::optional<int64_t> wakes_at_ns() const;

  const std::vector<std::unique_ptr<Sequence>>& running() const { return running_; }
  const std::deque<std::unique_ptr<Sequence>>& waiting() const { return waiting_; }
  int running_count() const { return static_cast<int>(running_.size()); }
  int waiting_count() const {
    return static_cast<int>(waiting_.size() + returning_.size()) + groups_.follower_count();
  }
  int64_t preemption_count() const { return preemptions_; }
  int64_t batch_count() const { return batches_; }  // batches that static batching has formed
  // Pages that sequences hold; what is only cached does not count.
  int pages_in_use() const { return pool_.used_count() - (cache_ ? cache_->idle_page_count() : 0); }
  // Of sequences that have begun: tokens of their prompts, and how many were in the prefix cache.
  struct PrefixCounts {
    int64_t queried_tokens = 0, hit_tokens = 0;
    std::array<int64_t, kPrefixMissCount> misses{};  // requests, by PrefixMiss
  };
  bool idle() const {
    return running_.empty() && waiting_count() == 0 && closed_.empty() && copied_from_.empty();
  }
  const PrefixCounts& prefix_counts() const { return prefix_counts_; }
  const PrefixCache* cache() const { return cache_; }
  void check_integrity() const;  // pages held here + free = all pages; no sequence twice

 private:
  bool admit(Sequence& sequence);
  bool may_join(const Sequence& sequence) const;
  void form_batch(int64_t now_ns);
  void forget_computed(StepPlan& plan);
  int next_count(Sequence& sequence, int budget, const StepPlan& plan);
  bool take_pages(Sequence& sequence, int tokens);
  int make_room(int pages, const Sequence& keep);
  bool must_copy(const Sequence& sequence) const;
  void copy_page(Sequence& sequence);
  bool take_over_page(Sequence& sequence);
  void find_tail(Sequence& sequence);
  bool share_prompt(Sequence& leader, int32_t& last_page);
  void fork_followers(Sequence& leader, Row& row, StepPlan& plan);
  void enqueue(std::unique_ptr<Sequence> sequence);
  void enqueue_returning();
  void note_begin(Sequence& sequence, int cached_tokens, StepPlan& plan);
  void release_pages(Sequence& sequence);
  void find_prefix(Sequence& sequence);
  void promise_pages(Sequence& sequence);
  void share_computed(Sequence& sequence);
  void skip_ready(Sequence& sequence);
  int startable(Sequence& sequence, int budget);
  void give_way(size_t index);
  void preempt(size_t index, StepPlan& plan);
  void preempt_decoding(StepPlan& plan);
  void continue_decodes(StepPlan& plan);
  void continue_prompts(StepPlan& plan);
  void admit_waiting(StepPlan& plan);
  void add_row(Sequence& sequence, int count, StepPlan& plan);

  SchedulerConfig config_;
  PagePool& pool_;
  PrefixCache* const cache_;  // may be null
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of admission
  PromptGroups groups_;  // sequences that wait for another to compute their prompt
  std::vector<std::unique_ptr<Sequence>> returning_;  // from these, to wait from the next step on
  std::vector<SequenceId> closed_;                    // for the runner to forget
  std::vector<StepPlan::Copy> copies_;                // of the next plan
  std::vector<int32_t> copied_from_;                  // kept until that plan is submitted
  PrefixCounts prefix_counts_;
  int64_t preemptions_ = 0;
  int64_t steps_ = 0;
  int64_t batches_ = 0;
  int batch_left_ = 0;  // of the static batch, sequences that have not ended
};

}  // namespace kilotoken
