#pragma once
// SchedulerConfig: the limits and switches of the scheduler.

#include <cstdint>

namespace kilotoken {

enum class Batching : uint8_t { kContinuous, kStatic };

struct SchedulerConfig {
  int max_num_seqs = 64;             // running at once
  int max_num_batched_tokens = 512;  // tokens computed in one step
  int page_tokens = 64;              // tokens a page holds
  // Tests only: a sequence loses its pages after every token it has sampled.
  bool preempt_every_step = false;
  // Static: a batch is formed of those that wait when max_num_seqs do, or when the first has waited
  // this long, and runs to its end before the next is formed.
  Batching batching = Batching::kContinuous;
  int64_t static_batch_wait_ns = 50'000'000;
  bool kv_cache = true;  // false: each token is computed from the whole sequence anew
  bool chunked_prefill =
      true;  // false: a prompt goes in one piece, be it longer than a step's tokens
};

}  // namespace kilotoken
