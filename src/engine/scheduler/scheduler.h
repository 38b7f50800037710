#pragma once
// Scheduler: decides what the next step computes. Pure and deterministic: the same queues, pages
// and budgets give the same StepPlan; no device, no I/O, no clock. It owns the sequences it was
// given.

#include <deque>
#include <memory>
#include <vector>

#include "engine/kv/page_pool.h"
#include "engine/scheduler/request.h"

namespace kilotoken {

struct SchedulerConfig {
  int max_num_seqs = 64;             // running at once
  int max_num_batched_tokens = 512;  // tokens computed in one step
  int page_tokens = 64;              // tokens a page holds
  // Tests only: a sequence loses its pages after every token it has sampled.
  bool preempt_every_step = false;
};

// First come first served. Running sequences go first, decodes before prompts, so that a long
// prompt never stalls a stream; then the queue is admitted in order. When pages run out the
// youngest running sequence gives its pages back and is computed anew later (preemption by
// recompute).
class Scheduler {
 public:
  Scheduler(const SchedulerConfig& config, PagePool& pool);
  ~Scheduler();

  void add(std::unique_ptr<Sequence> sequence);  // to the end of the queue
  // Takes a sequence out wherever it is and frees its pages.
  void remove(SequenceId id);

  // Advances `computed` and `length` of each sequence in the plan as if the step were done.
  StepPlan plan();

  int running_count() const { return static_cast<int>(running_.size()); }
  int waiting_count() const { return static_cast<int>(waiting_.size()); }
  int64_t preemption_count() const { return preemptions_; }
  bool idle() const { return running_.empty() && waiting_.empty() && closed_.empty(); }
  void check_integrity() const;  // pages held here + free = all pages; no sequence twice

 private:
  bool take_pages(Sequence& sequence, int tokens);
  void release_pages(Sequence& sequence);
  void preempt(size_t index, StepPlan& plan);
  void preempt_decoding(StepPlan& plan);
  void continue_decodes(StepPlan& plan);
  void continue_prompts(StepPlan& plan);
  void admit_waiting(StepPlan& plan);
  void add_row(Sequence& sequence, int count, StepPlan& plan);

  SchedulerConfig config_;
  PagePool& pool_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of admission
  std::vector<SequenceId> closed_;                  // for the runner to forget
  int64_t preemptions_ = 0;
};

}  // namespace kilotoken
