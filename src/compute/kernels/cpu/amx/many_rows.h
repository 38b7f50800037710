#pragma once
// More than 32 rows. Work is cut three ways: bands of rows, blocks of panels and slabs of inputs,
// so that a band's slab of rows (1 MiB) stays in the second cache while all panels of the block are
// multiplied with it; within it two panels' slab is taken in cuts that stay in the first cache,
// together with the sums of a few pairs of row tiles. Sums are kept between slabs. A group of
// inputs has 32 to 256 bytes of a row, which divide a cut.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

constexpr int64_t kBandRows = 512;
constexpr int64_t kSlabBytes = 2048;  // of a row
constexpr int64_t kCutBytes = 512;    // of a row: 16 KiB of two panels
constexpr int64_t kPairsAtOnce = 4;   // pairs of row tiles: 16 KiB of sums
constexpr int64_t kBlockPanels = 16;

class ManyRows {
 public:
  explicit ManyRows(const PanelPiece& piece)
      : piece_(piece),
        layout_(piece.layout),
        rows_(piece),
        group_bytes_(group_row_bytes(piece.layout)),
        one_group_(layout_.format == PanelFormat::kBF16 ||
                   (layout_.groups == 1 && layout_.format == PanelFormat::kBytes)),
        codes_(reinterpret_cast<char*>(piece.scratch)),
        totals_(codes_ + kCodesBytes) {}

  static constexpr int64_t kCodesBytes = 2 * kSlabBytes * kTileRows;
  static constexpr int64_t kScratchBytes =
      kCodesBytes + kBandRows / kTileRows * kBlockPanels * kTileBytes;

  // Rows [band, band + kBandRows) against panels [first, last), at most kBlockPanels.
  void run(int64_t band, int64_t first, int64_t last) {
    const int64_t left = piece_.row_count - band;
    first_tile_ = band / kTileRows;
    tiles_ = ((left < kBandRows ? left : kBandRows) + kTileRows - 1) / kTileRows;
    for (int64_t byte = 0; byte < used_row_bytes(); byte += kSlabBytes) {
      const int64_t rest = used_row_bytes() - byte;
      slab_ = byte;
      slab_end_ = byte + (rest < kSlabBytes ? rest : kSlabBytes);
      for (int64_t panel = first; panel < last; panel += 2) {
        char* totals = totals_ + (panel - first) * tiles_ * kTileBytes;
        last - panel >= 2 ? panels<2>(panel, totals) : panels<1>(panel, totals);
      }
    }
    for (int64_t panel = first; panel < last; panel += 2) {
      char* totals = totals_ + (panel - first) * tiles_ * kTileBytes;
      last - panel >= 2 ? finish<2>(panel, totals) : finish<1>(panel, totals);
    }
  }

 private:
  int64_t used_row_bytes() const {
    return one_group_ ? layout_.row_bytes : layout_.groups * group_bytes_;
  }

  template <int kPanels>
  void panels(int64_t panel, char* totals) {
    if (layout_.bf16_rows) {
      one_group_ ? slab_of_one_group<true, kPanels>(panel, totals)
                 : slab_of_groups<true, kPanels>(panel, totals);
    } else {
      one_group_ ? slab_of_one_group<false, kPanels>(panel, totals)
                 : slab_of_groups<false, kPanels>(panel, totals);
    }
  }

  const char* panel_at(int64_t panel) const { return piece_.panels + panel * layout_.panel_bytes; }

  // The slab's cuts [begin, end) for each pair of row tiles in turn, a few pairs at a time:
  // of_pair(tile, how many row tiles, begin, end).
  template <typename OfPair>
  void by_cuts(int64_t begin, int64_t end, int64_t cut_size, const OfPair& of_pair) const {
    for (int64_t first = 0; first < tiles_; first += 2 * kPairsAtOnce) {
      const int64_t last = tiles_ - first < 2 * kPairsAtOnce ? tiles_ : first + 2 * kPairsAtOnce;
      for (int64_t cut = begin; cut < end; cut += cut_size) {
        const int64_t cut_end = end - cut < cut_size ? end : cut + cut_size;
        for (int64_t tile = first; tile < last; tile += 2) of_pair(tile, last - tile, cut, cut_end);
      }
    }
  }

  template <bool kBf16, int kPanels>
  void slab_of_one_group(int64_t panel, char* totals) {
    by_cuts(slab_, slab_end_, kCutBytes,
            [&](int64_t tile, int64_t tiles, int64_t cut, int64_t cut_end) {
              char* sums = totals + tile * kPanels * kTileBytes;
              if (tiles >= 2) {
                cut_of_one_group<kBf16, 2, kPanels>(panel, tile, cut, cut_end, sums);
              } else {
                cut_of_one_group<kBf16, 1, kPanels>(panel, tile, cut, cut_end, sums);
              }
            });
  }

  template <bool kBf16, int kRowTiles, int kPanels>
  void cut_of_one_group(int64_t panel, int64_t tile, int64_t cut, int64_t cut_end, char* sums) {
    using Block = TileBlock<kRowTiles, kPanels>;
    if (cut == 0) {
      Block::zero();
    } else {
      Block::load(sums);
    }
    // The same inputs of the panels that come next, a few lines at a time.
    const int64_t steps = (slab_end_ - slab_) / 64;
    const int64_t per_step = (kTileRows * 2 + tiles_ - 1) / tiles_;
    const char* next = panel_at(panel + kPanels) + slab_ * kTileRows;
    int64_t line = (tile / 2 * steps + (cut - slab_) / 64) * per_step;
    for (int64_t byte = cut; byte < cut_end; byte += 64, line += per_step) {
      prefetch_next(next, line, steps * kTileRows, per_step);
      Block::template step<kBf16>(rows_, first_tile_ + tile, byte,
                                  panel_at(panel) + byte * kTileRows, layout_.panel_bytes);
    }
    Block::store(sums);
  }

  // Lines [line, line + count) of two panels, each of whose slabs has `lines`.
  void prefetch_next(const char* next, int64_t line, int64_t lines, int64_t count) const {
    for (int64_t i = line; i < line + count; ++i) {
      const char* at =
          i < lines ? next + i * kLine : next + layout_.panel_bytes + (i - lines) * kLine;
      __builtin_prefetch(at, 0, 2);
    }
  }

  template <bool kBf16, int kPanels>
  void slab_of_groups(int64_t panel, char* totals) {
    const int64_t first = slab_ / group_bytes_, end = slab_end_ / group_bytes_;
    const char* lines = panel_at(panel) + first * layout_.group_lines * kLine;
    int64_t stride = layout_.panel_bytes;
    if (nibbles(layout_)) {
      stride = kSlabBytes * kTileRows;
      const Bf16Codes bf16(layout_.zero_point);
      for (int p = 0; p < kPanels; ++p) {
        for (int64_t group = first; group < end; ++group) {
          unpack_group<kBf16>(layout_, bf16,
                              panel_at(panel + p) + group * layout_.group_lines * kLine,
                              codes_ + p * stride + (group - first) * group_bytes_ * kTileRows);
        }
      }
      lines = codes_;
    }
    by_cuts(
        first, end, kCutBytes / group_bytes_,
        [&](int64_t tile, int64_t tiles, int64_t cut, int64_t cut_end) {
          const char* of_cut = lines + (cut - first) * group_bytes_ * kTileRows;
          char* of_tiles = totals + tile * kPanels * kTileBytes;
          if (tiles >= 2) {
            groups_of_tiles<kBf16, 2, kPanels>(panel, tile, cut, cut_end, of_cut, stride, of_tiles);
          } else {
            groups_of_tiles<kBf16, 1, kPanels>(panel, tile, cut, cut_end, of_cut, stride, of_tiles);
          }
        });
  }

  template <bool kBf16, int kRowTiles, int kPanels>
  void groups_of_tiles(int64_t panel, int64_t tile, int64_t first, int64_t end, const char* lines,
                       int64_t stride, char* totals) {
    using Block = TileBlock<kRowTiles, kPanels>;
    alignas(64) char sums[Block::kBytes];
    if (first == 0) {
      for (int64_t at = 0; at < Block::kBytes; at += kLine) {
        Vec16::store(totals + at, Vec16::all(0));
      }
    }
    const int64_t row = (first_tile_ + tile) * kTileRows, left = piece_.row_count - row;
    const int row_count =
        static_cast<int>(left < kRowTiles * kTileRows ? left : kRowTiles * kTileRows);
    const int64_t step = step_bytes(layout_);
    for (int64_t group = first; group < end; ++group, lines += group_bytes_ * kTileRows) {
      Block::zero();
      for (int64_t byte = 0; byte < group_bytes_; byte += step) {
        Block::template step<kBf16>(rows_, first_tile_ + tile, group * group_bytes_ + byte,
                                    lines + byte * kTileRows, stride);
      }
      Block::store(sums);
      Block::template add_group<kBf16>(piece_, panel, group, row, row_count, sums, totals);
    }
  }

  template <int kPanels>
  void finish(int64_t panel, char* totals) const {
    for (int64_t tile = 0; tile < tiles_; tile += 2) {
      char* of_tiles = totals + tile * kPanels * kTileBytes;
      tiles_ - tile >= 2 ? put<2, kPanels>(panel, tile, of_tiles)
                         : put<1, kPanels>(panel, tile, of_tiles);
    }
  }

  template <int kRowTiles, int kPanels>
  void put(int64_t panel, int64_t tile, char* totals) const {
    using Block = TileBlock<kRowTiles, kPanels>;
    const int64_t row = (first_tile_ + tile) * kTileRows, left = piece_.row_count - row;
    const int row_count =
        static_cast<int>(left < kRowTiles * kTileRows ? left : kRowTiles * kTileRows);
    alignas(64) char scaled[Block::kBytes] = {};
    if (one_group_ && !layout_.bf16_rows) {
      Block::template add_group<false>(piece_, panel, 0, row, row_count, totals, scaled);
      totals = scaled;
    }
    for (int r = 0; r < row_count; ++r) {
      for (int p = 0; p < kPanels; ++p) {
        put_row(piece_, row + r, panel + p, Vec16::load_f(Block::sums_at(totals, r, p)));
      }
    }
  }

  const PanelPiece& piece_;
  const PanelLayout& layout_;
  TiledRows rows_;
  int64_t group_bytes_;
  bool one_group_;
  char *codes_, *totals_;
  int64_t first_tile_ = 0, tiles_ = 0;  // of the band
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
