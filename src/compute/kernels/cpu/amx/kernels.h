#pragma once
// Linear on panels by tiles, in terms of Tiles and, for what lies between the products, Vec16.
// 16 outputs of a panel by 16 rows are a tile of sums, whatever the number of rows: missing rows
// are zeros. So each element takes its inputs in the same order.
//
// BF16: one tile of sums takes all inputs, 32 at a time. INT8 rows: per group a tile of exact
// integer sums, then as in every table. Nibbles with BF16 rows: per group a tile of float32 sums
// from zero, then total = fma(sum, scale, total).

#include "compute/kernels/cpu/panel_kernels.h"

namespace kilotoken::cpu {
namespace {

constexpr int kTileRows = 16;
constexpr int64_t kTileBytes = 1024;

// Tile numbers: sums 0 to 3, left operands 4 and 5, right ones 6 and 7 (tile.h).
template <int kRowTiles, int kPanels>
struct TileBlock {
  static constexpr int kRowCount = kRowTiles * kTileRows;

  const PanelPiece& piece;
  int64_t row, panel;
  const char* panels = piece.panels + panel * piece.layout.panel_bytes;
  const char* rows = piece.rows + row * piece.layout.row_bytes;

  template <int kTile = 0>
  static void zero() {
    if constexpr (kTile < kRowTiles * kPanels) {
      Tiles::zero<kTile>();
      zero<kTile + 1>();
    }
  }
  template <int kTile = 0>
  static void store(char* to) {
    if constexpr (kTile < kRowTiles * kPanels) {
      Tiles::store<kTile>(to + kTile * kTileBytes, 64);
      store<kTile + 1>(to);
    }
  }

  template <bool kBf16, int kSum, int kLeft, int kRight>
  static void dot() {
    if constexpr (kBf16) {
      Tiles::dot_bf16<kSum, kLeft, kRight>();
    } else {
      Tiles::dot_signed_unsigned<kSum, kLeft, kRight>();
    }
  }
  template <bool kBf16, int kPanel = 0>
  static void by_panels(const char* lines, int64_t stride) {
    if constexpr (kPanel < kPanels) {
      constexpr int kRight = 6 + kPanel % 2;  // so that one is loaded while the other multiplies
      const char* from = lines + kPanel * stride;
      for (int64_t line = 0; line < kTileRows; ++line) {
        __builtin_prefetch(from + line * kLine + kAhead, 0, 2);
      }
      Tiles::load<kRight>(from, kLine);
      dot<kBf16, kPanel, 4, kRight>();
      if constexpr (kRowTiles == 2) dot<kBf16, kPanels + kPanel, 5, kRight>();
      by_panels<kBf16, kPanel + 1>(lines, stride);
    }
  }
  // One tile's depth: the rows from `byte` on against lines of each panel, `stride` apart.
  template <bool kBf16>
  void step(int64_t byte, const char* lines, int64_t stride) const {
    Tiles::load<4>(rows + byte, piece.layout.row_bytes);
    if constexpr (kRowTiles == 2) {
      Tiles::load<5>(rows + kTileRows * piece.layout.row_bytes + byte, piece.layout.row_bytes);
    }
    by_panels<kBf16>(lines, stride);
  }

  // Row r of panel p among stored tiles.
  static char* sums_at(char* tiles, int r, int p) {
    return tiles + (r / kTileRows * kPanels + p) * kTileBytes + r % kTileRows * kLine;
  }

  void put(char* tiles) const {
    for (int r = 0; r < kRowCount && row + r < piece.row_count; ++r) {
      for (int p = 0; p < kPanels; ++p) {
        put_row(piece, row + r, panel + p, Vec16::load_f(sums_at(tiles, r, p)));
      }
    }
  }

  void bf16() const {
    alignas(64) char sums[kRowTiles * kPanels * kTileBytes];
    zero();
    for (int64_t line = 0; line < piece.layout.group_lines; line += kTileRows) {
      step<true>(line * 4, panels + line * kLine, piece.layout.panel_bytes);
    }
    store(sums);
    put(sums);
  }

  void bytes() const {
    const PanelLayout& layout = piece.layout;
    const bool nibbles = layout.format == PanelFormat::kNibbles;
    const int64_t words = nibbles ? 2 * layout.group_lines : layout.group_lines;
    const int64_t depth = words < kTileRows ? words : kTileRows;  // lines of a tile
    alignas(64) char sums[kRowTiles * kPanels * kTileBytes];
    alignas(64) char totals[kRowTiles * kPanels * kTileBytes] = {};
    alignas(64) char codes[kPanels * kMaxUnpacked];
    for (int64_t group = 0; group < layout.groups; ++group) {
      const char* lines = panels + group * layout.group_lines * kLine;
      int64_t stride = layout.panel_bytes;
      if (nibbles) {
        for (int p = 0; p < kPanels; ++p) {
          unpack(lines + p * layout.panel_bytes, layout.group_lines, codes + p * kMaxUnpacked);
        }
        lines = codes;
        stride = kMaxUnpacked;
      }
      zero();
      for (int64_t word = 0; word < words; word += depth) {
        step<false>((group * words + word) * 4, lines + word * kLine, stride);
      }
      store(sums);
      add_group(sums, totals, group);
    }
    put(totals);
  }

  void add_group(char* sums, char* totals, int64_t group) const {
    const int64_t groups = piece.layout.groups;
    for (int p = 0; p < kPanels; ++p) {
      const F scales = group_scales(piece, panels + p * piece.layout.panel_bytes, group);
      for (int r = 0; r < kRowCount && row + r < piece.row_count; ++r) {
        const int64_t at = (row + r) * groups + group;
        const I sum = Vec16::sub(Vec16::load(sums_at(sums, r, p)), Vec16::all(piece.row_sums[at]));
        const F scale = Vec16::mul(scales, Vec16::all_f(piece.row_scales[at]));
        char* const total = sums_at(totals, r, p);
        Vec16::store(total,
                     Vec16::bits(Vec16::fma(Vec16::to_float(sum), scale, Vec16::load_f(total))));
      }
    }
  }

  static constexpr int64_t kMaxUnpacked = 4 * kTileBytes;  // a group of 128: INT8 half, BF16 all

  static void unpack(const char* lines, int64_t count, char* codes) {
    for (int64_t line = 0; line < count; ++line) {
      const I both = line_at(lines, line);
      Vec16::store(codes + line * kLine, low_nibbles(both));
      Vec16::store(codes + (count + line) * kLine, high_nibbles(both));
    }
  }

  static void unpack_bf16(const char* lines, int64_t count, I zero_point, char* codes) {
    for (int64_t line = 0; line < count; ++line) {
      const I both = line_at(lines, line);
      const I halves[] = {low_nibbles(both), high_nibbles(both)};
      for (int half = 0; half < 2; ++half) {
        char* const to = codes + 2 * (half * count + line) * kLine;
        Vec16::store(to, bf16_codes<0>(halves[half], zero_point));
        Vec16::store(to + kLine, bf16_codes<1>(halves[half], zero_point));
      }
    }
  }

  void exact() const {
    const PanelLayout& layout = piece.layout;
    const int64_t words = 4 * layout.group_lines;
    const I zero_point = Vec16::all(layout.zero_point);
    alignas(64) char sums[kRowTiles * kPanels * kTileBytes];
    alignas(64) char totals[kRowTiles * kPanels * kTileBytes] = {};
    alignas(64) char codes[kPanels * kMaxUnpacked];
    for (int64_t group = 0; group < layout.groups; ++group) {
      for (int p = 0; p < kPanels; ++p) {
        const char* lines = panels + p * layout.panel_bytes + group * layout.group_lines * kLine;
        unpack_bf16(lines, layout.group_lines, zero_point, codes + p * kMaxUnpacked);
      }
      zero();
      for (int64_t word = 0; word < words; word += kTileRows) {
        step<true>((group * words + word) * 4, codes + word * kLine, kMaxUnpacked);
      }
      store(sums);
      for (int p = 0; p < kPanels; ++p) {
        const F scales = group_scales(piece, panels + p * layout.panel_bytes, group);
        for (int r = 0; r < kRowCount; ++r) {
          char* const total = sums_at(totals, r, p);
          Vec16::store(total, Vec16::bits(Vec16::fma(Vec16::load_f(sums_at(sums, r, p)), scales,
                                                     Vec16::load_f(total))));
        }
      }
    }
    put(totals);
  }

  void run() const {
    if (piece.layout.format == PanelFormat::kBF16) {
      bf16();
    } else if (piece.layout.bf16_rows) {
      exact();
    } else {
      bytes();
    }
  }
};

template <int kRowTiles, int kPanels>
void tile_rows(const PanelPiece& piece, int64_t panel) {
  for (int64_t row = 0; row < piece.row_count; row += kRowTiles * kTileRows) {
    // The last tile of two may lie wholly past the rows, where there is nothing to load.
    if (kRowTiles == 2 && piece.row_count - row <= kTileRows) {
      TileBlock<1, kPanels>{piece, row, panel}.run();
    } else {
      TileBlock<kRowTiles, kPanels>{piece, row, panel}.run();
    }
  }
}

void tile_panels(const PanelPiece& piece) {
  int64_t panel = piece.first;
  if (piece.row_count <= kTileRows) {
    for (; panel + 4 <= piece.last; panel += 4) tile_rows<1, 4>(piece, panel);
    for (; panel < piece.last; ++panel) tile_rows<1, 1>(piece, panel);
  } else {
    for (; panel + 2 <= piece.last; panel += 2) tile_rows<2, 2>(piece, panel);
    for (; panel < piece.last; ++panel) tile_rows<2, 1>(piece, panel);
  }
}

void tile_linear(const PanelPiece& piece) {
  const PanelLayout& layout = piece.layout;
  const bool nibbles = layout.format == PanelFormat::kNibbles;
  const int64_t words = nibbles ? 2 * layout.group_lines : layout.group_lines;
  const bool shallow = !layout.bf16_rows && words < kTileRows;
  Tiles::configure(shallow ? static_cast<int>(words * 4) : 64);
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
  Tiles::configure(depth_bytes);
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
