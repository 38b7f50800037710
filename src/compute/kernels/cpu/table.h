#pragma once
// The table of one instruction set: a copy of the reference whose heavy operations run its Ops,
// with threads and pages handled here, in code compiled for every machine.

#include "compute/kernels/cpu/ops.h"
#include "compute/kernels/cpu/panel_piece.h"
#include "compute/kernels/kernels.h"

namespace kilotoken::cpu {

void run_linear(const LinearOps& ops, const LinearArgs& args, ThreadPool& pool);
void run_panels(const PanelOps& ops, const LinearArgs& args, ThreadPool& pool);  // packed weights
void run_attention(const Ops& ops, const AttentionArgs& args, ThreadPool& pool);
void run_silu_multiply(const Ops& ops, float* gate, const float* up, int64_t count,
                       ThreadPool& pool);

template <const Ops& kOps, const LinearOps& kLinear, const PanelOps& kPanels>
Kernels table_of(std::string_view name, bool packs_bf16) {
  Kernels table = reference_kernels();
  table.name = name;
  table.packs_bf16 = packs_bf16;
  table.linear = [](const LinearArgs& args, ThreadPool& pool) {
    if (args.weight.packed()) return run_panels(kPanels, args, pool);
    run_linear(kLinear, args, pool);
  };
  table.attention = [](const AttentionArgs& args, ThreadPool& pool) {
    run_attention(kOps, args, pool);
  };
  table.silu_multiply = [](float* gate, const float* up, int64_t count, ThreadPool& pool) {
    run_silu_multiply(kOps, gate, up, count, pool);
  };
  return table;
}

}  // namespace kilotoken::cpu
