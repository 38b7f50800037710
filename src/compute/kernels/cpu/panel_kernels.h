#pragma once
// Linear on panels of 16 outputs, in terms of Vec16: one lane is one output, whose sum takes the
// inputs in ascending order whatever the number of rows. Included once per instruction set.
//
// BF16: one chain of Vec16::dot_bf16. With INT8 rows: per group an exact integer sum, then
// total = fma(float(sum), weight scale * row scale, total), as in every table. Nibbles with BF16
// rows: per group a chain of dot_bf16 on the codes (which BF16 holds exactly) from zero, then
// total = fma(sum, scale, total).

#include "compute/kernels/cpu/panel_rows.h"

namespace kilotoken::cpu {
namespace {

constexpr int64_t kLine = kPanelLine, kLineWords = kLine / 4;
constexpr int64_t kAhead = 1024;  // bytes; reading past the end of a weight is only asked for

inline I word_of(const char* from) {
  int32_t word;
  __builtin_memcpy(&word, from, 4);
  return Vec16::all(word);
}

inline I line_at(const char* from) {
  __builtin_prefetch(from + kAhead, 0, 2);
  return Vec16::load(from);
}

inline I low_nibbles(I line) { return Vec16::both(line, Vec16::all(0x0f0f0f0f)); }
inline I high_nibbles(I line) { return low_nibbles(Vec16::right<4>(line)); }

// Nibble words to BF16, which holds small integers exactly.
class Bf16Codes {
 public:
  explicit Bf16Codes(int zero_point) {
    uint16_t words[16];
    for (int nibble = 0; nibble < 16; ++nibble) {
      const float value = static_cast<float>(nibble - zero_point);
      unsigned bits;
      __builtin_memcpy(&bits, &value, sizeof bits);
      words[nibble] = static_cast<uint16_t>(bits >> 16);
    }
    table_ = Vec16::table_of(words);
  }
  // Nibble kNibble of each word.
  template <int kNibble>
  I widen(I line) const {
    return Vec16::lookup(table_, Vec16::right<4 * kNibble>(line));
  }

 private:
  Vec16::Words table_;
};

inline F group_scales(const PanelPiece& piece, const char* panel, int64_t group) {
  const PanelLayout& layout = piece.layout;
  const char* scales = panel + layout.groups * layout.group_lines * kLine;
  return layout.half_scales ? Vec16::load_half(scales + group * 32)
                            : Vec16::load_f(scales + group * 64);
}

inline void put_row(const PanelPiece& piece, int64_t row, int64_t panel, F sums) {
  const int64_t first = panel * kPanelOutputs, left = piece.out - first;
  float* to = piece.output + row * piece.out + first;
  const int count = left < kPanelOutputs ? static_cast<int>(left) : kPanelOutputs;
  if (piece.accumulate) sums = Vec16::add(Vec16::load_some(to, count), sums);
  Vec16::store_some(to, count, sums);
}

// Of BF16, and of INT8 rows.
inline F plus_products(F sum, I weights, I row) { return Vec16::dot_bf16(sum, weights, row); }
inline I plus_products(I sum, I weights, I row) { return Vec16::dot_bytes(sum, weights, row); }

// Rows [row, row + kRows), of one tile, against panels [panel, panel + kPanels).
template <int kRows, int kPanels>
class Block {
 public:
  Block(const PanelPiece& piece, int64_t row, int64_t panel)
      : piece_(piece), row_(row), panel_(panel) {}

  void run() const {
    switch (piece_.layout.format) {
      case PanelFormat::kBF16:
        return bf16();
      case PanelFormat::kBytes:
        return bytes<false>();
      case PanelFormat::kNibbles:
        return bytes<true>();
      case PanelFormat::kNibbleWords:
        return exact();
    }
  }

 private:
  using Floats = F[kRows][kPanels];
  using Integers = I[kRows][kPanels];

  static void clear(Floats& sums) {
    for (auto& of_row : sums) {
      for (F& sum : of_row) sum = Vec16::zero_f();
    }
  }

  const char* panel_at(int p) const {
    return piece_.panels + (panel_ + p) * piece_.layout.panel_bytes;
  }
  int64_t tile() const { return row_ / piece_.tile_rows * piece_.tile_rows; }
  // Of the first row: the others follow.
  const char* word_at(int64_t word) const {
    return piece_.rows + tile() * piece_.layout.row_bytes +
           word / kLineWords * kLine * piece_.tile_rows + (row_ - tile()) * kLine +
           word % kLineWords * 4;
  }
  int64_t group_at(int64_t group) const {
    return tile() * piece_.layout.groups + group * piece_.tile_rows + row_ - tile();
  }

  // Adds the products of `count` words of the rows, from `word` on, and as many lines, from `line`
  // on, of which `weights_of` makes the weights.
  template <typename Sums, typename WeightsOf>
  __attribute__((always_inline)) void add(Sums& sums, int64_t line, int64_t word, int64_t count,
                                          const WeightsOf& weights_of) const {
    const char* lines[kPanels];
    for (int p = 0; p < kPanels; ++p) lines[p] = panel_at(p) + line * kLine;
    for (int64_t end = word + count, next; word < end; word = next) {
      next = (word / kLineWords + 1) * kLineWords;
      if (next > end) next = end;
      const char* x = word_at(word);
      for (int64_t left = next - word; left > 0; --left, x += 4) {
        I weights[kPanels];
        for (int p = 0; p < kPanels; ++p) {
          weights[p] = weights_of(lines[p]);
          lines[p] += kLine;
        }
        for (int r = 0; r < kRows; ++r) {
          const I of_row = word_of(x + r * kLine);
          for (int p = 0; p < kPanels; ++p) {
            sums[r][p] = plus_products(sums[r][p], weights[p], of_row);
          }
        }
      }
    }
  }

  void put(const Floats& sums) const {
    for (int r = 0; r < kRows && row_ + r < piece_.row_count; ++r) {
      for (int p = 0; p < kPanels; ++p) put_row(piece_, row_ + r, panel_ + p, sums[r][p]);
    }
  }

  void bf16() const {
    Floats sums;
    clear(sums);
    add(sums, 0, 0, piece_.layout.group_lines, line_at);
    put(sums);
  }

  template <bool kNibbles>
  void bytes() const {
    const PanelLayout& layout = piece_.layout;
    const int64_t lines = layout.group_lines, words = kNibbles ? 2 * lines : lines;
    Floats totals;
    clear(totals);
    for (int64_t group = 0; group < layout.groups; ++group) {
      const int64_t at = group_at(group), line = group * lines, word = group * words;
      Integers sums;
      for (int r = 0; r < kRows; ++r) {
        for (I& sum : sums[r]) sum = Vec16::sub(Vec16::all(0), Vec16::all(piece_.row_sums[at + r]));
      }
      if constexpr (kNibbles) {
        const auto low = [](const char* from) { return low_nibbles(line_at(from)); };
        const auto high = [](const char* from) { return high_nibbles(Vec16::load(from)); };
        add(sums, line, word, lines, low);
        add(sums, line, word + lines, lines, high);
      } else {
        add(sums, line, word, lines, line_at);
      }
      for (int p = 0; p < kPanels; ++p) {
        const F scales = group_scales(piece_, panel_at(p), group);
        for (int r = 0; r < kRows; ++r) {
          const F scale = Vec16::mul(scales, Vec16::all_f(piece_.row_scales[at + r]));
          totals[r][p] = Vec16::fma(Vec16::to_float(sums[r][p]), scale, totals[r][p]);
        }
      }
    }
    put(totals);
  }

  template <int kNibble>
  void add_exact(Floats& sums, int64_t group, const Bf16Codes& bf16) const {
    if constexpr (kNibble < 4) {
      const int64_t lines = piece_.layout.group_lines;
      const auto codes = [&](const char* from) { return bf16.widen<kNibble>(line_at(from)); };
      add(sums, group * lines, (4 * group + kNibble) * lines, lines, codes);
      add_exact<kNibble + 1>(sums, group, bf16);
    }
  }

  void exact() const {
    const PanelLayout& layout = piece_.layout;
    const Bf16Codes bf16(layout.zero_point);
    Floats totals;
    clear(totals);
    for (int64_t group = 0; group < layout.groups; ++group) {
      Floats sums;
      clear(sums);
      add_exact<0>(sums, group, bf16);
      for (int p = 0; p < kPanels; ++p) {
        const F scales = group_scales(piece_, panel_at(p), group);
        for (int r = 0; r < kRows; ++r) totals[r][p] = Vec16::fma(sums[r][p], scales, totals[r][p]);
      }
    }
    put(totals);
  }

  const PanelPiece& piece_;
  int64_t row_, panel_;
};

// Of panels that a tile of rows meets before the next tile does: they stay in the second cache, and
// rows, of which there may be more than it holds, come into it once.
constexpr int64_t kBlockBytes = 1 << 20;

// All tiles of a piece that has kRows in each, kPanels at a time.
template <int kRows, int kPanels>
void tiles_of(const PanelPiece& piece) {
  const int64_t fit = kBlockBytes / piece.layout.panel_bytes / kPanels * kPanels;
  const int64_t step = fit > kPanels ? fit : kPanels;
  for (int64_t first = piece.first, last; first < piece.last; first = last) {
    last = first + step < piece.last ? first + step : piece.last;
    for (int64_t row = 0; row < piece.row_count; row += kRows) {
      int64_t panel = first;
      for (; panel + kPanels <= last; panel += kPanels) {
        Block<kRows, kPanels>(piece, row, panel).run();
      }
      const int64_t end = row + kRows < piece.row_count ? row + kRows : piece.row_count;
      for (; panel < last; ++panel) {
        for (int64_t r = row; r < end; ++r) Block<1, 1>(piece, r, panel).run();
      }
    }
  }
}

void vector_bf16(float* sums, const void* weights, const void* inputs) {
  const Flushing flushing;
  const I w = Vec16::load(weights), x = Vec16::load(inputs);
  Vec16::store_f(sums, Vec16::dot_bf16(Vec16::load_f(sums), w, x));
}

void vector_bytes(int32_t* sums, const void* weights, const void* inputs) {
  const I w = Vec16::load(weights), x = Vec16::load(inputs);
  Vec16::store(sums, Vec16::dot_bytes(Vec16::load(sums), w, x));
}

}  // namespace
}  // namespace kilotoken::cpu
