#pragma once
// Up to 32 rows: what counts is that the weights come from memory without a pause. Four panels at
// once are four streams.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

constexpr int kRowsAhead = 4;  // up to here, FewRows::groups

template <int kRowTiles, int kPanels>
class FewRows {
 public:
  FewRows(const PanelPiece& piece, int64_t panel)
      : piece_(piece),
        panel_(panel),
        panels_(piece.panels + panel * piece.layout.panel_bytes),
        rows_(piece) {}

  void run() const {
    const PanelLayout& layout = piece_.layout;
    if (layout.format == PanelFormat::kBF16) return one_group<true>();
    if (layout.groups == 1 && layout.format == PanelFormat::kBytes) return one_group<false>();
    if (layout.bf16_rows) return groups<true, false>();
    piece_.row_count <= kRowsAhead ? groups<false, true>() : groups<false, false>();
  }

 private:
  using Block = TileBlock<kRowTiles, kPanels>;

  void prefetch(int64_t byte, int64_t lines) const {
    for (int p = 0; p < kPanels; ++p) {
      prefetch_lines(panels_ + p * piece_.layout.panel_bytes + byte + kAhead, lines);
    }
  }

  template <bool kBf16>
  void one_group() const {
    const PanelLayout& layout = piece_.layout;
    alignas(64) char sums[Block::kBytes];
    alignas(64) char totals[Block::kBytes];
    Block::zero();
    for (int64_t byte = 0; byte < layout.row_bytes; byte += 64) {
      prefetch(byte * kTileRows, kTileRows);
      Block::template step<product_of(kBf16)>(rows_.at(0, byte), rows_.tile_bytes(),
                                              panels_ + byte * kTileRows, layout.panel_bytes);
    }
    Block::store(sums);
    if constexpr (kBf16) return put(sums);
    clear(totals);
    Block::template add_group<false>(piece_, panel_, 0, sums, totals);
    put(totals);
  }

  // kAhead: while a group is multiplied, the next one's codes are unpacked, some lines at each
  // step, and the sums of the one before are added. With more rows that gains nothing.
  template <bool kBf16, bool kAhead>
  void groups() const {
    const PanelLayout& layout = piece_.layout;
    const bool unpacked = nibbles(layout);
    const int64_t bytes = group_row_bytes(layout), step = step_bytes(layout);
    const int64_t lines_at_once = layout.group_lines * step / bytes;
    alignas(64) char sums[kAhead + 1][Block::kBytes];
    alignas(64) char totals[Block::kBytes];
    alignas(64) char codes[kAhead + 1][kPanels * kGroupBytes];
    const Bf16Codes bf16(layout.zero_point);
    const auto unpack = [&](const char* from, int64_t first, int64_t last, char* to) {
      unpack_panels<kBf16, kPanels>(layout, bf16, from, first, last, to);
    };
    const auto add = [&](int64_t group, char* of_group) {
      Block::template add_group<kBf16>(piece_, panel_, group, of_group, totals);
    };
    clear(totals);
    if (kAhead && unpacked) unpack(panels_, 0, layout.group_lines, codes[0]);
    for (int64_t group = 0; group < layout.groups; ++group) {
      const char* packed = panels_ + group * layout.group_lines * kLine;
      const int64_t now = kAhead ? group % 2 : 0, other = kAhead ? 1 - now : 0;
      if (!kAhead && unpacked) unpack(packed, 0, layout.group_lines, codes[0]);
      const char* lines = unpacked ? codes[now] : packed;
      const int64_t stride = unpacked ? kGroupBytes : layout.panel_bytes;
      Block::zero();
      for (int64_t byte = 0, line = 0; byte < bytes; byte += step, line += lines_at_once) {
        if (!unpacked) prefetch(group * layout.group_lines * kLine + byte * kTileRows, step / 4);
        Block::template step<product_of(kBf16)>(rows_.at(0, group * bytes + byte),
                                                rows_.tile_bytes(), lines + byte * kTileRows,
                                                stride);
        if (kAhead && unpacked && group + 1 < layout.groups) {
          unpack(packed + layout.group_lines * kLine, line, line + lines_at_once, codes[other]);
        }
      }
      if (kAhead && group > 0) add(group - 1, sums[other]);
      Block::store(sums[now]);
      if (!kAhead) add(group, sums[0]);
    }
    if (kAhead) add(layout.groups - 1, sums[(layout.groups - 1) % 2]);
    put(totals);
  }

  static void clear(char* tiles) {
    for (int64_t at = 0; at < Block::kBytes; at += kLine) Vec16::store(tiles + at, Vec16::all(0));
  }

  void put(char* tiles) const {
    for (int r = 0; r < piece_.row_count; ++r) {
      for (int p = 0; p < kPanels; ++p) {
        put_row(piece_, r, panel_ + p, Vec16::load_f(Block::sums_at(tiles, r, p)));
      }
    }
  }

  const PanelPiece& piece_;
  int64_t panel_;
  const char* panels_;
  TiledRows rows_;
};

}  // namespace
}  // namespace kilotoken::cpu
