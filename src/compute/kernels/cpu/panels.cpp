// Linears on packed weights: the rows are rounded as the weight's format asks, then each thread
// takes panels.

#include "compute/kernels/cpu/table.h"

#include <algorithm>

#include "base/check.h"
#include "compute/kernels/cpu/floats.h"
#include "compute/kernels/mutants.h"

namespace kilotoken {

namespace {

constexpr int64_t kLeastInputs = 32;  // that share a scale
constexpr int64_t kDepth = 64;        // rows are filled up to a multiple
constexpr int64_t kPieces = 4;        // taken from the workspace, each at a cache line
constexpr int64_t kRowsOfCaller = 4;  // quicker rounded than handed out

int64_t rounded_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// What rows grow to at most in tiles: of 16, or of up to 12 that differ by one row at most.
int64_t most_tiled_rows(int64_t rows) { return rows + std::max<int64_t>(15, rows / 12); }

}  // namespace

size_t linear_scratch_bytes(int64_t rows, int64_t in) {
  const int64_t row_bytes = 2 * rounded_up(in, kDepth);
  const int64_t scale_bytes = ((in + kLeastInputs - 1) / kLeastInputs + 1) * 8;
  return static_cast<size_t>(most_tiled_rows(rows) * (row_bytes + scale_bytes) + kPieces * 64);
}

namespace cpu {

void run_panels(const PanelOps& ops, const LinearArgs& args, ThreadPool& pool) {
  const auto run_other = [&](const LinearArgs& other) { run_panels(ops, other, pool); };
  if (mutants::linear_otherwise(args, pool, run_other)) return;
  KT_CHECK(args.workspace != nullptr, "packed weights need a workspace");
  const PanelLayout& layout = args.weight.layout();
  const int64_t rows = args.rows, in = args.weight.in();
  const auto row_bytes = static_cast<size_t>(layout.row_bytes);
  const int64_t tile_rows = ops.tile_rows(rows), tiled_rows = rounded_up(rows, tile_rows);
  const auto group_count = static_cast<size_t>(layout.bf16_rows ? 0 : tiled_rows * layout.groups);
  Workspace& workspace = *args.workspace;
  const Workspace::Mark mark = workspace.mark();
  char* rounded = workspace.take<char>(static_cast<size_t>(tiled_rows) * row_bytes).data();
  float* scales = workspace.take<float>(group_count).data();
  int32_t* sums = workspace.take<int32_t>(group_count).data();
  if (tiled_rows > rows) {
    const int64_t last_tile = rows / tile_rows * tile_rows * layout.row_bytes;
    std::fill_n(rounded + last_tile, tile_rows * layout.row_bytes, char{0});
  }
  const auto round = [&](int, int64_t begin, int64_t end) {
    const RoundRows some{.input = args.input,
                         .in = in,
                         .tile_rows = tile_rows,
                         .row_bytes = layout.row_bytes,
                         .first = begin,
                         .last = end,
                         .groups = layout.groups,
                         .group = layout.bf16_rows ? 0 : args.weight.group_inputs(),
                         .zero_point = layout.zero_point,
                         .rows = rounded,
                         .row_scales = scales,
                         .row_sums = sums};
    layout.bf16_rows ? ops.round_bf16(some) : ops.round_int8(some);
  };
  if (rows <= kRowsOfCaller) {
    round(0, 0, rows);
  } else {
    pool.run(rows, kRowsOfCaller, round);
  }

  pool.run_static(args.weight.panel_count(), kPiecePanels, [&](int, int64_t begin, int64_t end) {
    ops.linear({.layout = layout,
                .panels = reinterpret_cast<const char*>(args.weight.panels()),
                .rows = rounded,
                .row_scales = scales,
                .row_sums = sums,
                .output = args.output,
                .row_count = rows,
                .tile_rows = tile_rows,
                .out = args.weight.out(),
                .first = begin,
                .last = end,
                .accumulate = args.accumulate,
                .scratch = thread_floats(ops.scratch_floats)});
  });
  workspace.rewind(mark);
}

}  // namespace cpu
}  // namespace kilotoken
