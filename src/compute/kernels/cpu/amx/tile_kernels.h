#pragma once
// Linear on panels by tiles, in terms of Tiles and, for what lies between the products, Vec16.
//
// The arithmetic of an element, for every number of rows. BF16: one tile of sums takes all inputs,
// 32 at a time, in ascending order; a sum that is put aside and taken up again is the same sum.
// INT8 rows: per group a tile of exact integer sums, then as in every table. Nibbles with BF16
// rows: per group a tile of float32 sums from zero, then total = fma(sum, scale, total).
//
// Few rows (few_rows.h) go through the weights once, as they come from memory. For many rows
// (many_rows.h) weights and rows are cut into slabs of inputs that stay in caches meanwhile.

#include "compute/kernels/cpu/amx/exact_row.h"
#include "compute/kernels/cpu/amx/few_rows.h"
#include "compute/kernels/cpu/amx/many_rows.h"

namespace kilotoken::cpu {
namespace {

void tile_panels(const PanelPiece& piece) {
  if (piece.row_count > 2 * kTileRows) return many_rows(piece);
  int64_t panel = piece.first;
  if (piece.row_count <= kTileRows) {
    // Four panels' codes as BF16, their sums and many rows are too much for the first cache.
    const bool two = piece.layout.format == PanelFormat::kNibbleWords && piece.row_count > 4;
    for (; !two && panel + 4 <= piece.last; panel += 4) FewRows<1, 4>(piece, panel).run();
    for (; two && panel + 2 <= piece.last; panel += 2) FewRows<1, 2>(piece, panel).run();
    for (; panel < piece.last; ++panel) FewRows<1, 1>(piece, panel).run();
  } else {
    for (; panel + 2 <= piece.last; panel += 2) FewRows<2, 2>(piece, panel).run();
    for (; panel < piece.last; ++panel) FewRows<2, 1>(piece, panel).run();
  }
}

void tile_linear(const PanelPiece& piece) {
  // Codes that must be unpacked to memory, and groups that fill half a tile, cost a single row more
  // than vectors do, which come to the same bits: integer sums are the same in any order, and with
  // BF16 rows they keep the tiles' order. One row lies as vectors have it.
  const PanelLayout& layout = piece.layout;
  if (piece.row_count == 1 && (nibbles(layout) || step_bytes(layout) < 64)) {
    return layout.bf16_rows ? exact_row(piece) : tiles_of<1, 4>(piece);
  }
  Tiles::configure(static_cast<int>(step_bytes(layout)), static_cast<int>(piece.tile_rows));
  if (layout.bf16_rows) {
    const Flushing flushing;
    tile_panels(piece);
  } else {
    tile_panels(piece);
  }
  Tiles::release();
}

void tile_product(TileProduct product, int depth_bytes, void* sums, const void* left,
                  const void* right) {
  Tiles::configure(depth_bytes, kTileRows);
  Tiles::load<0>(sums, kLine);
  Tiles::load<4>(left, kLine);
  Tiles::load<6>(right, kLine);
  switch (product) {
    case TileProduct::kBF16:
      Tiles::dot_bf16<0, 4, 6>();
      break;
    case TileProduct::kSignedUnsigned:
      Tiles::dot_signed_unsigned<0, 4, 6>();
      break;
    case TileProduct::kSignedSigned:
      Tiles::dot_signed_signed<0, 4, 6>();
      break;
    case TileProduct::kUnsignedSigned:
      Tiles::dot_unsigned_signed<0, 4, 6>();
      break;
  }
  Tiles::store<0>(sums, kLine);
  Tiles::release();
}

}  // namespace
}  // namespace kilotoken::cpu
