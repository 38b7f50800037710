#pragma once
// What the attention of every table shares: how rows are grouped into work, and which positions a
// row attends to.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "compute/kernels/kernels.h"

namespace kilotoken {

// Consecutive rows of one sequence that share each page they read.
struct RowBlock {
  const SequenceRows* sequence;
  int32_t first;  // counted from the sequence's first row
  int32_t count;

  int32_t row(int32_t i) const { return sequence->first_row + first + i; }
  int32_t position(int32_t i) const { return sequence->first_position + first + i; }
};

inline std::vector<RowBlock> row_blocks(std::span<const SequenceRows> sequences, int32_t max_rows) {
  std::vector<RowBlock> blocks;
  for (const SequenceRows& sequence : sequences) {
    for (int32_t first = 0; first < sequence.row_count; first += max_rows) {
      blocks.push_back({&sequence, first, std::min(max_rows, sequence.row_count - first)});
    }
  }
  return blocks;
}

inline int32_t first_attended(int32_t position, int window) {
  return window > 0 && position >= window ? position - window + 1 : 0;
}

}  // namespace kilotoken
