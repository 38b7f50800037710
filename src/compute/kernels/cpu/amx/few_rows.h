#pragma once
// Up to 32 rows: what counts is that the weights come from memory without a pause. Four panels at
// once are four streams.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

template <int kRowTiles, int kPanels>
class FewRows {
 public:
  FewRows(const PanelPiece& piece, int64_t panel)
      : piece_(piece),
        panel_(panel),
        panels_(piece.panels + panel * piece.layout.panel_bytes),
        rows_(piece),
        row_count_(static_cast<int>(piece.row_count)) {}

  void run() const {
    const PanelLayout& layout = piece_.layout;
    if (layout.format == PanelFormat::kBF16) return one_group<true>();
    if (layout.groups == 1 && layout.format == PanelFormat::kBytes) return one_group<false>();
    layout.bf16_rows ? groups<true>() : groups<false>();
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
      Block::template step<product_of(kBf16)>(rows_, 0, byte, panels_ + byte * kTileRows,
                                              layout.panel_bytes);
    }
    Block::store(sums);
    if constexpr (kBf16) {
      put(sums);
    } else {
      clear(totals);
      Block::template add_group<false>(piece_, panel_, 0, sums, totals);
      put(totals);
    }
  }

  template <bool kBf16>
  void groups() const {
    const PanelLayout& layout = piece_.layout;
    const bool unpacked = nibbles(layout);
    const int64_t bytes = group_row_bytes(layout), step = step_bytes(layout);
    alignas(64) char sums[Block::kBytes];
    alignas(64) char totals[Block::kBytes];
    alignas(64) char codes[kPanels * kGroupBytes];
    const Bf16Codes bf16(layout.zero_point);
    clear(totals);
    for (int64_t group = 0; group < layout.groups; ++group) {
      const char* lines = panels_ + group * layout.group_lines * kLine;
      int64_t stride = layout.panel_bytes;
      for (int p = 0; unpacked && p < kPanels; ++p) {
        unpack_group<kBf16>(layout, bf16, lines + p * layout.panel_bytes, codes + p * kGroupBytes);
      }
      if (unpacked) {
        lines = codes;
        stride = kGroupBytes;
      }
      Block::zero();
      for (int64_t byte = 0; byte < bytes; byte += step) {
        if (!unpacked) prefetch(group * layout.group_lines * kLine + byte * kTileRows, step / 4);
        Block::template step<product_of(kBf16)>(rows_, 0, group * bytes + byte,
                                                lines + byte * kTileRows, stride);
      }
      Block::store(sums);
      Block::template add_group<kBf16>(piece_, panel_, group, sums, totals);
    }
    put(totals);
  }

  static void clear(char* tiles) {
    for (int64_t at = 0; at < Block::kBytes; at += kLine) Vec16::store(tiles + at, Vec16::all(0));
  }

  void put(char* tiles) const {
    for (int r = 0; r < row_count_; ++r) {
      for (int p = 0; p < kPanels; ++p) {
        put_row(piece_, r, panel_ + p, Vec16::load_f(Block::sums_at(tiles, r, p)));
      }
    }
  }

  const PanelPiece& piece_;
  int64_t panel_;
  const char* panels_;
  TiledRows rows_;
  int row_count_;
};

}  // namespace
}  // namespace kilotoken::cpu
