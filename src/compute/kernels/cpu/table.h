#pragma once
// The table of one instruction set: a copy of the reference whose heavy operations run its Ops,
// with threads and pages handled here, in code compiled for every machine.

#include "compute/kernels/cpu/ops.h"
#include "compute/kernels/kernels.h"

namespace kilotoken::cpu {

void run_linear(const Ops& ops, const LinearArgs& args, ThreadPool& pool);
void run_attention(const Ops& ops, const AttentionArgs& args, ThreadPool& pool);
void run_silu_multiply(const Ops& ops, float* gate, const float* up, int64_t count,
                       ThreadPool& pool);

template <const Ops& kOps>
Kernels table_of(std::string_view name) {
  Kernels table = reference_kernels();
  table.name = name;
  table.linear = [](const LinearArgs& args, ThreadPool& pool) { run_linear(kOps, args, pool); };
  table.attention = [](const AttentionArgs& args, ThreadPool& pool) {
    run_attention(kOps, args, pool);
  };
  table.silu_multiply = [](float* gate, const float* up, int64_t count, ThreadPool& pool) {
    run_silu_multiply(kOps, gate, up, count, pool);
  };
  return table;
}

}  // namespace kilotoken::cpu
