#pragma once
// Linear on panels by vectors alone, for any number of rows: what a table without tiles does.

#include "compute/kernels/cpu/panel_kernels.h"

namespace kilotoken::cpu {
namespace {

// Of 32 registers a block's sums take 24: up to six rows of four panels, which are four streams
// from memory, or up to twelve of two, whose weights come from the second cache half as often.
constexpr int kMostRows = 12, kMostRowsOfFour = 6;

// As few tiles as there can be, all of as many rows.
int64_t vector_tile_rows(int64_t row_count) {
  const int64_t tiles = (row_count + kMostRows - 1) / kMostRows;
  return (row_count + tiles - 1) / tiles;
}

template <int kRows = 1>
void tiles_of_any_height(const PanelPiece& piece) {
  if constexpr (kRows < kMostRows) {
    if (piece.tile_rows > kRows) return tiles_of_any_height<kRows + 1>(piece);
  }
  tiles_of<kRows, kRows <= kMostRowsOfFour ? 4 : 2>(piece);
}

void vector_linear(const PanelPiece& piece) {
  if (!piece.layout.bf16_rows) return tiles_of_any_height(piece);
  const Flushing flushing;
  tiles_of_any_height(piece);
}

}  // namespace
}  // namespace kilotoken::cpu
