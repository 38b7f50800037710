#pragma once
// A block of up to four tiles of sums: so many tiles of rows by so many panels.

#include "compute/kernels/cpu/panel_kernels.h"

namespace kilotoken::cpu {
namespace {

constexpr int kTileRows = 16;
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kGroupBytes = 4 * kTileBytes;  // most codes of a panel's group: 128 as BF16

inline int64_t tile_height(int64_t row_count) {
  return row_count < kTileRows ? row_count : kTileRows;
}

inline bool nibbles(const PanelLayout& layout) {
  return layout.format == PanelFormat::kNibbles || layout.format == PanelFormat::kNibbleWords;
}

// Bytes of a row, and of each output, in one group; without scales all of them.
inline int64_t group_row_bytes(const PanelLayout& layout) {
  if (!nibbles(layout)) return layout.group_lines * 4;
  return layout.group_lines * (layout.bf16_rows ? 16 : 8);
}

// Bytes of a row that one product takes: 64, or a whole group of fewer.
inline int64_t step_bytes(const PanelLayout& layout) {
  const int64_t group = group_row_bytes(layout);
  return group < 64 ? group : 64;
}

// The rows of a piece as tiles see them (PanelPiece).
struct TiledRows {
  const char* rows;
  int64_t row_bytes, height;
  int64_t tile_bytes() const { return kTileRows * row_bytes; }

  explicit TiledRows(const PanelPiece& piece)
      : rows(piece.rows), row_bytes(piece.layout.row_bytes), height(piece.tile_rows) {}
  const char* at(int64_t tile, int64_t byte) const {
    return rows + tile * kTileRows * row_bytes + byte / 64 * 64 * height + byte % 64;
  }
};

// total + a sum of INT8 products.
inline F scaled(I sum, I above, F scales, F row_scale, F total) {
  return Vec16::fma(Vec16::to_float(Vec16::sub(sum, above)), Vec16::mul(scales, row_scale), total);
}

template <TileProduct kProduct, int kSum, int kLeft, int kRight>
void dot() {
  if constexpr (kProduct == TileProduct::kBF16) {
    Tiles::dot_bf16<kSum, kLeft, kRight>();
  } else if constexpr (kProduct == TileProduct::kSignedUnsigned) {
    Tiles::dot_signed_unsigned<kSum, kLeft, kRight>();
  } else {
    Tiles::dot_signed_signed<kSum, kLeft, kRight>();
  }
}
constexpr TileProduct product_of(bool bf16) {
  return bf16 ? TileProduct::kBF16 : TileProduct::kSignedUnsigned;
}

struct Nothing {
  void operator()(int) const {}
};

// Tile numbers: sums 0 to 3, left operands 4 and 5, right ones 6 and 7 (tile.h).
template <int kRowTiles, int kPanels>
struct TileBlock {
  static constexpr int kTiles = kRowTiles * kPanels;
  static constexpr int64_t kBytes = kTiles * kTileBytes;

  template <int kTile = 0>
  static void zero() {
    if constexpr (kTile < kTiles) {
      Tiles::zero<kTile>();
      zero<kTile + 1>();
    }
  }
  template <int kTile = 0>
  static void load(const char* from) {
    if constexpr (kTile < kTiles) {
      Tiles::load<kTile>(from + kTile * kTileBytes, kLine);
      load<kTile + 1>(from);
    }
  }
  template <int kTile = 0>
  static void store(char* to) {
    if constexpr (kTile < kTiles) {
      Tiles::store<kTile>(to + kTile * kTileBytes, kLine);
      store<kTile + 1>(to);
    }
  }
  // Row r of panel p among stored tiles.
  static char* sums_at(char* tiles, int r, int p) {
    return tiles + (r / kTileRows * kPanels + p) * kTileBytes + r % kTileRows * kLine;
  }

  // One step of depth: rows of one tile and of the next, `tile_bytes` further on, against lines of
  // each panel, `stride` apart. kPassing: the rows pass the first cache by. `loaded(p)` is called
  // when panel p's lines are no longer needed.
  template <TileProduct kProduct, bool kPassing = false, typename Loaded = Nothing>
  static void step(const char* rows, int64_t tile_bytes, const char* lines, int64_t stride,
                   const Loaded& loaded = {}) {
    left<4, kPassing>(rows);
    by_panels<kProduct>(lines, stride, loaded);
    if constexpr (kRowTiles == 2) {
      left<5, kPassing>(rows + tile_bytes);
      second_tile<kProduct>();
    }
  }

  // Adds a group's sums of the piece's rows, which are the block's, to totals.
  template <bool kBf16>
  static void add_group(const PanelPiece& piece, int64_t panel, int64_t group, char* sums,
                        char* totals) {
    const PanelLayout& layout = piece.layout;
    F scales[kPanels];
    for (int p = 0; p < kPanels; ++p) {
      scales[p] = group_scales(piece, piece.panels + (panel + p) * layout.panel_bytes, group);
    }
    // In variables, since a store through a char* could change what is read from the piece.
    const int64_t height = piece.tile_rows, row_count = piece.row_count;
    const int64_t tile_groups = kTileRows * layout.groups;
    const float* const row_scales = piece.row_scales + group * height;
    const int32_t* const row_sums = piece.row_sums + group * height;
    for (int t = 0; t < kRowTiles; ++t) {
      const int64_t left = row_count - t * kTileRows, rows = left < kTileRows ? left : kTileRows;
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t at = t * tile_groups + r;
        for (int p = 0; p < kPanels; ++p) {
          const int64_t place = (t * kPanels + p) * kTileBytes + r * kLine;
          F v = Vec16::load_f(totals + place);
          if constexpr (kBf16) {
            v = Vec16::fma(Vec16::load_f(sums + place), scales[p], v);
          } else {
            v = scaled(Vec16::load(sums + place), Vec16::all(row_sums[at]), scales[p],
                       Vec16::all_f(row_scales[at]), v);
          }
          Vec16::store(totals + place, Vec16::bits(v));
        }
      }
    }
  }

 private:
  template <int kTile, bool kPassing>
  static void left(const char* from) {
    if constexpr (kPassing) {
      Tiles::load_passing<kTile>(from, kLine);
    } else {
      Tiles::load<kTile>(from, kLine);
    }
  }
  template <TileProduct kProduct, int kPanel = 0, typename Loaded>
  static void by_panels(const char* lines, int64_t stride, const Loaded& loaded) {
    if constexpr (kPanel < kPanels) {
      constexpr int kRight = 6 + kPanel % 2;  // so that one is loaded while the other multiplies
      Tiles::load<kRight>(lines + kPanel * stride, kLine);
      dot<kProduct, kPanel, 4, kRight>();
      loaded(kPanel);
      by_panels<kProduct, kPanel + 1>(lines, stride, loaded);
    }
  }
  // With what is still loaded of up to two panels.
  template <TileProduct kProduct>
  static void second_tile() {
    dot<kProduct, kPanels, 5, 6>();
    if constexpr (kPanels == 2) dot<kProduct, kPanels + 1, 5, 7>();
  }
};

inline void prefetch_lines(const char* from, int64_t count) {
  for (int64_t line = 0; line < count; ++line) __builtin_prefetch(from + line * kLine, 0, 2);
}

constexpr int kInt4Lines = 16;  // of a panel: groups of 128 inputs
constexpr int parts_of_line(bool bf16) { return bf16 ? 4 : 2; }

// Parts [kFirst, kLast) of a group's packed lines: nibble n of their words as BF16, or half n of
// their bytes. They go where right operands have them, among the codes of the group. Each part
// asks memory for its share of lines further on, twice as far as others do: by some, a group is
// unpacked before its turn.
template <bool kBf16, int kLines, int kFirst, int kLast>
__attribute__((always_inline)) inline void unpack(Bf16Codes bf16, const char* lines, char* codes) {
  if constexpr (kFirst < kLast) {
#pragma GCC unroll 4
    for (int64_t line = 0; line < kLines; ++line) {
      if (line % parts_of_line(kBf16) == kFirst) {
        __builtin_prefetch(lines + line * kLine + 2 * kAhead, 0, 2);
      }
      const I packed = Vec16::load(lines + line * kLine);
      char* const to = codes + (kFirst * kLines + line) * kLine;
      if constexpr (kBf16) {
        Vec16::store(to, bf16.widen<kFirst>(packed));
      } else {
        Vec16::store(to, kFirst == 0 ? low_nibbles(packed) : high_nibbles(packed));
      }
    }
    unpack<kBf16, kLines, kFirst + 1, kLast>(bf16, lines, codes);
  }
}

// The codes of a group of bytes or nibbles without their zero point, with a sign.
inline void unpack_signed(const PanelLayout& layout, const char* lines, char* codes) {
  const I signs = Vec16::all(static_cast<int32_t>(0x80808080u));
  const int64_t count = layout.group_lines;
  if (layout.format == PanelFormat::kBytes) {
    for (int64_t line = 0; line < count; ++line) {
      Vec16::store(codes + line * kLine, Vec16::one_of(line_at(lines + line * kLine), signs));
    }
    return;
  }
  // With its highest bit set, no byte borrows from the next.
  const I zero = Vec16::all(layout.zero_point * 0x01010101);
  const auto with_sign = [&](I nibbles) {
    return Vec16::one_of(Vec16::sub(Vec16::either(nibbles, signs), zero), signs);
  };
  for (int64_t line = 0; line < count; ++line) {
    const I both = line_at(lines + line * kLine);
    Vec16::store(codes + line * kLine, with_sign(low_nibbles(both)));
    Vec16::store(codes + (count + line) * kLine, with_sign(high_nibbles(both)));
  }
}

}  // namespace
}  // namespace kilotoken::cpu
