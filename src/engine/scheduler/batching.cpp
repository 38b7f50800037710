// How sequences are put together: continuous batching lets each in as soon as there is room; static
// batching, the baseline, forms a batch and runs it to its end. And the baseline below that:
// no KV cache.

#include <algorithm>

#include "engine/scheduler/scheduler.h"

namespace kilotoken {

bool Scheduler::may_join(const Sequence& sequence) const {
  return config_.batching == Batching::kContinuous || sequence.in_batch;
}

std::optional<int64_t> Scheduler::wakes_at_ns() const {
  const bool waits_for_more =
      config_.batching == Batching::kStatic && batch_left_ == 0 && !waiting_.empty();
  if (!waits_for_more) return std::nullopt;
  return waiting_.front()->queued_ns + config_.static_batch_wait_ns;
}

// When the last batch has ended, and enough wait or the first has waited long enough.
void Scheduler::form_batch(int64_t now_ns) {
  const std::optional<int64_t> at_latest_ns = wakes_at_ns();
  if (!at_latest_ns) return;
  const int count = std::min(waiting_count(), config_.max_num_seqs);
  if (count < config_.max_num_seqs && now_ns < *at_latest_ns) return;
  for (int i = 0; i < count; ++i) waiting_[static_cast<size_t>(i)]->in_batch = true;
  batch_left_ = count;
  ++batches_;
}

// Without a KV cache, pages are room to work in for one token: who has sampled gives them back and
// begins anew, with whatever pages come.
void Scheduler::forget_computed(StepPlan& plan) {
  for (const auto& sequence : running_) {
    if (!sequence->starts_over || sequence->exhausted()) continue;
    release_pages(*sequence);
    sequence->computed = 0;
    sequence->starts_over = false;
  }
  for (size_t i = 0; i < running_.size(); ++i) {
    if (running_[i]->exhausted()) continue;
    while (i < running_.size() && !take_pages(*running_[i], running_[i]->length)) {
      preempt(running_.size() - 1, plan);
    }
  }
}

}  // namespace kilotoken
