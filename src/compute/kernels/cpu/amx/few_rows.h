#pragma once
// Up to 32 rows: what counts is that the weights come from memory without a pause. Four panels at
// once are four streams.

#include "compute/kernels/cpu/amx/packed_groups.h"

namespace kilotoken::cpu {
namespace {

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
    if (!nibbles(layout)) return groups<false>([&](int64_t group) { multiply_bytes(group); });
    if (layout.bf16_rows) return packed<true, kInt4Lines, 4>();
    layout.group_lines == kInt4Lines ? packed<false, kInt4Lines, 2>() : packed<false, 4, 1>();
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

  template <bool kBf16, int kLines, int kSteps>
  void packed() const {
    PackedGroups<kRowTiles, kPanels, kBf16, kLines, kSteps> codes(piece_.layout, panels_, rows_);
    groups<kBf16>([&](int64_t group) { codes.multiply(group); });
  }

  // `multiply` gives a group's sums, which are added while the next group is multiplied.
  template <bool kBf16, typename Multiply>
  void groups(const Multiply& multiply) const {
    const int64_t groups = piece_.layout.groups;
    alignas(64) char sums[2][Block::kBytes];
    alignas(64) char totals[Block::kBytes];
    const auto add = [&](int64_t group) {
      Block::template add_group<kBf16>(piece_, panel_, group, sums[group % 2], totals);
    };
    clear(totals);
    for (int64_t group = 0; group < groups; ++group) {
      Block::zero();
      multiply(group);
      if (group > 0) add(group - 1);
      Block::store(sums[group % 2]);
    }
    add(groups - 1);
    put(totals);
  }

  void multiply_bytes(int64_t group) const {
    const PanelLayout& layout = piece_.layout;
    const int64_t bytes = group_row_bytes(layout), step = step_bytes(layout);
    for (int64_t byte = group * bytes; byte < (group + 1) * bytes; byte += step) {
      prefetch(byte * kTileRows, step / 4);
      Block::template step<product_of(false)>(rows_.at(0, byte), rows_.tile_bytes(),
                                              panels_ + byte * kTileRows, layout.panel_bytes);
    }
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
