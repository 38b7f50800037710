#pragma once
// Deliberate faults for builds that must be caught by tests/golden (-DKILOTOKEN_MUTANT=name). This
// and cpu/kernel_mutants.h are the only files that know them; in a sound build every function here
// is a constant.

#include <cstdint>
#include <vector>

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

// Inputs [first, last) of a packed weight as BF16, scales multiplied in; used by the two below.
struct Bf16Part {
  std::vector<BFloat16> numbers;
  Weight weight;
};
inline void take_part(const Weight& from, int64_t first, int64_t last, ThreadPool& pool,
                      Bf16Part& part) {
  std::vector<float> row(static_cast<size_t>(from.in()));
  for (int64_t output = 0; output < from.out(); ++output) {
    from.read_row(output, row.data());
    for (int64_t i = first; i < last; ++i) {
      part.numbers.push_back(to_bfloat16(row[static_cast<size_t>(i)]));
    }
  }
  const Tensor tensor(part.numbers.data(), DType::kBF16, {from.out(), last - first});
  part.weight = Weight::pack(tensor, WeightFormat::kBF16, false, pool).value();
}

// Whether a linear on a packed weight has been computed in another way, by `linear`. The mutant
// scale_fused_for_many_rows multiplies INT4's scales into BF16 weights for many rows, as kernels do
// that have one arithmetic for prompts and another for decoding; order_by_rows adds the products of
// the second half of the inputs to a finished sum when there are many rows.
template <typename Linear>
bool linear_otherwise(const LinearArgs& args, ThreadPool& pool, const Linear& linear) {
#if defined(KILOTOKEN_MUTANT_scale_fused_for_many_rows)
  if (args.rows <= 32 || args.weight.format() != WeightFormat::kInt4) return false;
  Bf16Part whole;
  take_part(args.weight, 0, args.weight.in(), pool, whole);
  linear({args.input, whole.weight, args.output, args.rows, args.accumulate, args.workspace});
  return true;
#elif defined(KILOTOKEN_MUTANT_order_by_rows)
  const int64_t in = args.weight.in(), half = in / 64 * 32;
  if (args.rows <= 16 || args.weight.format() != WeightFormat::kBF16 || half == 0) return false;
  static thread_local bool within = false;
  if (within) return false;
  within = true;
  for (const bool second : {false, true}) {
    const int64_t first = second ? half : 0, last = second ? in : half;
    Bf16Part part;
    take_part(args.weight, first, last, pool, part);
    std::vector<float> input;
    for (int64_t row = 0; row < args.rows; ++row) {
      input.insert(input.end(), args.input + row * in + first, args.input + row * in + last);
    }
    linear({input.data(), part.weight, args.output, args.rows, args.accumulate || second,
            args.workspace});
  }
  within = false;
  return true;
#else
  (void)args, (void)pool, (void)linear;
  return false;
#endif
}

}  // namespace kilotoken::mutants
