#pragma once
// Deliberate faults for builds that must be caught by tests/golden (-DKILOTOKEN_MUTANT=name). This
// is the only file that knows them; in a sound build every function here is a constant.

#include <cstdint>

#include "compute/kernels/kernels.h"

namespace kilotoken::mutants {

// Where the slots [begin, end) of a page are cut into two softmax blocks: nowhere (end). The mutant
// attention_split_by_length cuts at the middle of the context that the step has reached, as kernels
// do that share out a long context over threads.
inline int32_t softmax_cut(const SequenceRows& sequence, int32_t page_start, int32_t begin,
                           int32_t end) {
#ifdef KILOTOKEN_MUTANT_attention_split_by_length
  const int32_t middle = (sequence.first_position + sequence.row_count) / 2 - page_start;
  return middle > begin && middle < end ? middle : end;
#else
  (void)sequence, (void)page_start, (void)begin;
  return end;
#endif
}

// The step's own key at `position` as it was before rounding, or null: read it from its page. The
// mutant fresh_keys remembers the last kv_write, which is the same layer's.
#ifdef KILOTOKEN_MUTANT_fresh_keys
inline KvWriteArgs last_write{};
#endif

inline void remember_write(const KvWriteArgs& args) {
#ifdef KILOTOKEN_MUTANT_fresh_keys
  last_write = args;
#else
  (void)args;
#endif
}

inline const float* fresh_key(const SequenceRows& sequence, int32_t position, int kv_head) {
#ifdef KILOTOKEN_MUTANT_fresh_keys
  if (position < sequence.first_position) return nullptr;
  const KvSpec& spec = last_write.kv->spec();
  const int64_t row = sequence.first_row + position - sequence.first_position;
  return last_write.keys + (row * spec.kv_heads + kv_head) * spec.head_dim;
#else
  (void)sequence, (void)position, (void)kv_head;
  return nullptr;
#endif
}

}  // namespace kilotoken::mutants
