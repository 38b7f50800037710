#pragma once
// More than 32 rows. Work is cut three ways: bands of rows, blocks of panels and slabs of inputs.
// Two panels' slab (32 KiB) stays in the first cache while the band's rows are multiplied with it,
// which come from the second cache and pass the first one by, as do sums. The band's slab of rows
// (512 KiB) stays in the second cache for all panels of the block, and the block's sums (1 MiB) for
// all slabs. A group of inputs has 32 to 256 bytes of a row, which divide a slab.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

constexpr int64_t kBandRows = 512;
constexpr int64_t kSlabBytes = 1024;  // of a row
constexpr int64_t kBlockPanels = 32;

// A slab of the two panels that come next, fetched a few lines at each of so many steps.
struct NextPanels {
  const char* at;
  int64_t panel_bytes, per_step;

  NextPanels(const char* panel, int64_t bytes, int64_t lines, int64_t steps)
      : at(panel), panel_bytes(bytes), per_step((lines + steps - 1) / steps) {}
  void step() {
    for (int64_t i = 0; i < per_step; ++i, at += kLine) {
      __builtin_prefetch(at, 0, 2);
      __builtin_prefetch(at + panel_bytes, 0, 2);
    }
  }
};

class ManyRows {
 public:
  explicit ManyRows(const PanelPiece& piece)
      : piece_(piece),
        layout_(piece.layout),
        rows_(piece),
        group_bytes_(group_row_bytes(piece.layout)),
        step_bytes_(step_bytes(piece.layout)),
        one_group_(layout_.format == PanelFormat::kBF16 ||
                   (layout_.groups == 1 && layout_.format == PanelFormat::kBytes)),
        row_bytes_(one_group_ ? layout_.row_bytes : layout_.groups * group_bytes_),
        codes_(reinterpret_cast<char*>(piece.scratch)),
        totals_(codes_ + kCodesBytes) {}

  static constexpr int64_t kPanelCodes = kSlabBytes * kTileRows;
  static constexpr int64_t kCodesBytes = 2 * kPanelCodes;
  static constexpr int64_t kScratchBytes =
      kCodesBytes + kBandRows / kTileRows * kBlockPanels * kTileBytes;

  // Rows [band, band + kBandRows) against panels [first, last), at most kBlockPanels.
  void run(int64_t band, int64_t first, int64_t last) {
    const int64_t left = piece_.row_count - band;
    band_ = band;
    band_rows_ = left < kBandRows ? left : kBandRows;
    first_tile_ = band / kTileRows;
    tiles_ = (band_rows_ + kTileRows - 1) / kTileRows;
    first_ = first;
    last_ = last;
    for (int64_t byte = 0; byte < row_bytes_; byte += kSlabBytes) {
      const int64_t rest = row_bytes_ - byte;
      slab_ = byte;
      slab_end_ = byte + (rest < kSlabBytes ? rest : kSlabBytes);
      for (int64_t panel = first; panel < last; panel += 2) {
        last - panel >= 2 ? panels<2>(panel) : panels<1>(panel);
      }
    }
    finish();
  }

 private:
  template <int kPanels>
  void panels(int64_t panel) const {
    if (layout_.bf16_rows) {
      one_group_ ? slab_of_one_group<true, kPanels>(panel) : slab_of_groups<true, kPanels>(panel);
    } else {
      one_group_ ? slab_of_one_group<false, kPanels>(panel) : slab_of_groups<false, kPanels>(panel);
    }
  }

  const char* panel_at(int64_t panel) const { return piece_.panels + panel * layout_.panel_bytes; }
  // Where a row's inputs from `byte` on begin, as they are stored.
  const char* inputs_at(int64_t panel, int64_t byte) const {
    if (one_group_) return panel_at(panel) + byte * kTileRows;
    return panel_at(panel) + byte / group_bytes_ * layout_.group_lines * kLine;
  }

  // Two panels' sums lie together, pair of row tiles after pair; a last panel without another's
  // lie the same way.
  char* totals_of(int64_t panel, int64_t tile) const {
    const int64_t even = (panel - first_) / 2 * 2, width = last_ - first_ - even >= 2 ? 2 : 1;
    return totals_ + (even * tiles_ + tile * width + panel - first_ - even) * kTileBytes;
  }

  // Within so many steps.
  NextPanels next_panels(int64_t panel, int64_t steps) const {
    const bool same_slab = panel + 2 < last_, same_block = same_slab || slab_end_ < row_bytes_;
    const int64_t next = same_slab ? panel + 2 : same_block ? first_ : last_;
    const int64_t byte = same_slab ? slab_ : same_block ? slab_end_ : 0;
    const int64_t lines = (inputs_at(panel, slab_end_) - inputs_at(panel, slab_)) / kLine;
    return {inputs_at(next, byte), layout_.panel_bytes, lines, steps};
  }

  template <bool kBf16, int kPanels>
  void slab_of_one_group(int64_t panel) const {
    NextPanels next = next_panels(panel, (slab_end_ - slab_) / 64 * ((tiles_ + 1) / 2));
    for (int64_t tile = 0; tile < tiles_; tile += 2) {
      tiles_ - tile >= 2 ? tiles_of_one_group<kBf16, 2, kPanels>(panel, tile, next)
                         : tiles_of_one_group<kBf16, 1, kPanels>(panel, tile, next);
    }
  }

  template <bool kBf16, int kRowTiles, int kPanels>
  void tiles_of_one_group(int64_t panel, int64_t tile, NextPanels& next) const {
    using Block = TileBlock<kRowTiles, kPanels>;
    char* sums = totals_of(panel, tile);
    if (slab_ == 0) {
      Block::zero();
    } else {
      Block::load(sums);
    }
    const char* next_sums = sums + Block::kBytes;
    const char* rows = rows_.at(first_tile_ + tile, slab_);
    const char* lines = inputs_at(panel, slab_);
    const int64_t tile_bytes = rows_.tile_bytes(), panel_bytes = layout_.panel_bytes;
    for (int64_t steps = (slab_end_ - slab_) / 64; steps > 0; --steps) {
      Block::template step<product_of(kBf16), true>(rows, tile_bytes, lines, panel_bytes);
      next.step();
      prefetch_sums<Block::kTiles>(next_sums);
      rows += kTileBytes;
      lines += kTileBytes;
      next_sums += Block::kTiles * kLine;
    }
    Block::store(sums);
  }

  // From the second cache, before they are wanted.
  template <int64_t kLines>
  static void prefetch_sums(const char* from) {
    for (int64_t line = 0; line < kLines; ++line) __builtin_prefetch(from + line * kLine);
  }

  template <bool kBf16, int kPanels>
  void slab_of_groups(int64_t panel) const {
    const Bf16Codes bf16(layout_.zero_point);
    for (int p = 0; p < kPanels; ++p) {
      for (int64_t byte = slab_; byte < slab_end_; byte += group_bytes_) {
        const char* from = inputs_at(panel + p, byte);
        char* to = codes_ + p * kPanelCodes + (byte - slab_) * kTileRows;
        if constexpr (kBf16) {
          unpack<true, kInt4Lines, 0, parts_of_line(true)>(bf16, from, to);
        } else {
          unpack_signed(layout_, from, to);
        }
      }
    }
    const int64_t groups = (slab_end_ - slab_) / group_bytes_;
    NextPanels next = next_panels(panel, groups * ((tiles_ + 1) / 2));
    for (int64_t tile = 0; tile < tiles_; tile += 2) {
      tiles_ - tile >= 2 ? tiles_of_groups<kBf16, 2, kPanels>(panel, tile, next)
                         : tiles_of_groups<kBf16, 1, kPanels>(panel, tile, next);
    }
  }

  // A group's sums are added to totals while the next group is multiplied: in this order, since
  // what waits for a product to be stored would keep the additions from beginning.
  template <bool kBf16, int kRowTiles, int kPanels>
  void tiles_of_groups(int64_t panel, int64_t tile, NextPanels& next) const {
    using Block = TileBlock<kRowTiles, kPanels>;
    constexpr TileProduct kProduct = kBf16 ? TileProduct::kBF16 : TileProduct::kSignedSigned;
    alignas(64) char sums[2][Block::kBytes];
    char* const totals = totals_of(panel, tile);
    const int64_t first = slab_ / group_bytes_, last = slab_end_ / group_bytes_;
    const char *rows = rows_.at(first_tile_ + tile, 0), *lines = codes_;
    const int64_t tile_bytes = rows_.tile_bytes();
    for (int64_t group = first; group < last; ++group) {
      next.step();
      Block::zero();
      const int64_t begin = group * group_bytes_;
      for (int64_t byte = begin; byte < begin + group_bytes_; byte += step_bytes_) {
        Block::template step<kProduct, true>(rows + byte / 64 * kTileBytes + byte % 64, tile_bytes,
                                             lines, kPanelCodes);
        lines += step_bytes_ * kTileRows;
      }
      if (group > first) {
        add<kBf16, kRowTiles, kPanels>(panel, tile, group - 1, sums[(group - 1) % 2], totals);
      }
      Block::store(sums[group % 2]);
    }
    add<kBf16, kRowTiles, kPanels>(panel, tile, last - 1, sums[(last - 1) % 2], totals);
  }

  template <bool kBf16, int kRowTiles, int kPanels>
  void add(int64_t panel, int64_t tile, int64_t group, const char* sums, char* totals) const {
    for (int t = 0; t < kRowTiles; ++t) {
      const float* row_scales =
          piece_.row_scales + ((first_tile_ + tile + t) * layout_.groups + group) * kTileRows;
      for (int p = 0; p < kPanels; ++p, sums += kTileBytes, totals += kTileBytes) {
        const F scales = group_scales(piece_, panel_at(panel + p), group);
        for (int r = 0; r < kTileRows; ++r) {
          char* const at = totals + r * kLine;
          F total = group == 0 ? Vec16::zero_f() : Vec16::load_f(at);
          if constexpr (kBf16) {
            total = Vec16::fma(Vec16::load_f(sums + r * kLine), scales, total);
          } else {
            total = Vec16::fma(Vec16::to_float(Vec16::load(sums + r * kLine)),
                               Vec16::mul(scales, Vec16::all_f(row_scales[r])), total);
          }
          Vec16::store(at, Vec16::bits(total));
        }
      }
    }
  }

  // Row after row, so that what is written of one lies together.
  void finish() const {
    const bool int8_sums = one_group_ && !layout_.bf16_rows;
    for (int64_t r = 0; r < band_rows_; ++r) {
      const int64_t row = band_ + r;
      for (int64_t panel = first_; panel < last_; ++panel) {
        const char* at = totals_of(panel, r / kTileRows) + r % kTileRows * kLine;
        F total = Vec16::load_f(at);
        if (int8_sums) {
          total = scaled(Vec16::load(at), Vec16::all(piece_.row_sums[row]),
                         group_scales(piece_, panel_at(panel), 0),
                         Vec16::all_f(piece_.row_scales[row]), Vec16::zero_f());
        }
        put_row(piece_, row, panel, total);
      }
    }
  }

  const PanelPiece& piece_;
  const PanelLayout& layout_;
  TiledRows rows_;
  int64_t group_bytes_, step_bytes_;
  bool one_group_;
  int64_t row_bytes_;  // with inputs
  char *codes_, *totals_;
  int64_t band_ = 0, band_rows_ = 0;
  int64_t first_tile_ = 0, tiles_ = 0;  // of the band
  int64_t first_ = 0, last_ = 0;        // panels of the block
  int64_t slab_ = 0, slab_end_ = 0;     // bytes of a row
};

void many_rows(const PanelPiece& piece) {
  ManyRows many(piece);
  for (int64_t band = 0; band < piece.row_count; band += kBandRows) {
    for (int64_t panel = piece.first; panel < piece.last; panel += kBlockPanels) {
      const int64_t left = piece.last - panel;
      many.run(band, panel, panel + (left < kBlockPanels ? left : kBlockPanels));
    }
  }
}

}  // namespace
}  // namespace kilotoken::cpu
