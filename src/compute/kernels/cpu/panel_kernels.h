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

constexpr int64_t kLine = kPanelLine;
constexpr int64_t kAhead = 1024;  // bytes; reading past the end of a weight is only asked for

inline I row_word(const char* row, int64_t index) {
  int32_t word;
  __builtin_memcpy(&word, row + 4 * index, 4);
  return Vec16::all(word);
}

inline I line_at(const char* lines, int64_t index) {
  __builtin_prefetch(lines + index * kLine + kAhead, 0, 2);
  return Vec16::load(lines + index * kLine);
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

template <int kRows, int kPanels>
struct Block {
  const PanelPiece& piece;
  int64_t row, panel;
  const char* panels = piece.panels + panel * piece.layout.panel_bytes;
  const char* rows = piece.rows + row * piece.layout.row_bytes;

  const char* panel_at(int p) const { return panels + p * piece.layout.panel_bytes; }
  const char* row_at(int r) const { return rows + r * piece.layout.row_bytes; }

  void put(const F (&sums)[kRows][kPanels]) const {
    for (int r = 0; r < kRows; ++r) {
      for (int p = 0; p < kPanels; ++p) put_row(piece, row + r, panel + p, sums[r][p]);
    }
  }

  void bf16() const {
    F sums[kRows][kPanels];
    for (auto& of_row : sums) {
      for (F& sum : of_row) sum = Vec16::zero_f();
    }
    for (int64_t line = 0; line < piece.layout.group_lines; ++line) {
      I weights[kPanels];
      for (int p = 0; p < kPanels; ++p) weights[p] = line_at(panel_at(p), line);
      for (int r = 0; r < kRows; ++r) {
        const I x = row_word(row_at(r), line);
        for (int p = 0; p < kPanels; ++p) sums[r][p] = Vec16::dot_bf16(sums[r][p], weights[p], x);
      }
    }
    put(sums);
  }

  // Adds lines [first, first + count) of one group; kShift is where a nibble begins, or -1.
  template <int kShift>
  void add_bytes(I (&sums)[kRows][kPanels], int64_t first, int64_t count, int64_t word) const {
    for (int64_t line = 0; line < count; ++line) {
      I weights[kPanels];
      for (int p = 0; p < kPanels; ++p) {
        weights[p] = kShift == 4 ? Vec16::load(panel_at(p) + (first + line) * kLine)
                                 : line_at(panel_at(p), first + line);
        if constexpr (kShift == 0) weights[p] = low_nibbles(weights[p]);
        if constexpr (kShift == 4) weights[p] = high_nibbles(weights[p]);
      }
      for (int r = 0; r < kRows; ++r) {
        const I x = row_word(row_at(r), word + line);
        for (int p = 0; p < kPanels; ++p) {
          sums[r][p] = Vec16::dot_bytes(sums[r][p], weights[p], x);
        }
      }
    }
  }

  void bytes() const {
    const PanelLayout& layout = piece.layout;
    const bool nibbles = layout.format == PanelFormat::kNibbles;
    const int64_t lines = layout.group_lines, words = nibbles ? 2 * lines : lines;
    F totals[kRows][kPanels];
    for (auto& of_row : totals) {
      for (F& total : of_row) total = Vec16::zero_f();
    }
    for (int64_t group = 0; group < layout.groups; ++group) {
      I sums[kRows][kPanels];
      for (int r = 0; r < kRows; ++r) {
        const int32_t above = piece.row_sums[(row + r) * layout.groups + group];
        for (int p = 0; p < kPanels; ++p) sums[r][p] = Vec16::sub(Vec16::all(0), Vec16::all(above));
      }
      if (nibbles) {
        add_bytes<0>(sums, group * lines, lines, group * words);
        add_bytes<4>(sums, group * lines, lines, group * words + lines);
      } else {
        add_bytes<-1>(sums, group * lines, lines, group * words);
      }
      for (int p = 0; p < kPanels; ++p) {
        const F scales = group_scales(piece, panel_at(p), group);
        for (int r = 0; r < kRows; ++r) {
          const float scale = piece.row_scales[(row + r) * layout.groups + group];
          totals[r][p] = Vec16::fma(Vec16::to_float(sums[r][p]),
                                    Vec16::mul(scales, Vec16::all_f(scale)), totals[r][p]);
        }
      }
    }
    put(totals);
  }

  template <int kNibble>
  void add_exact(F (&sums)[kRows][kPanels], int64_t group, const Bf16Codes& bf16) const {
    const int64_t lines = piece.layout.group_lines;
    for (int64_t line = 0; line < lines; ++line) {
      I pairs[kPanels];
      for (int p = 0; p < kPanels; ++p) {
        pairs[p] = bf16.widen<kNibble>(line_at(panel_at(p), group * lines + line));
      }
      for (int r = 0; r < kRows; ++r) {
        const I x = row_word(row_at(r), (4 * group + kNibble) * lines + line);
        for (int p = 0; p < kPanels; ++p) sums[r][p] = Vec16::dot_bf16(sums[r][p], pairs[p], x);
      }
    }
  }

  void exact() const {
    const PanelLayout& layout = piece.layout;
    const Bf16Codes bf16(layout.zero_point);
    F totals[kRows][kPanels];
    for (auto& of_row : totals) {
      for (F& total : of_row) total = Vec16::zero_f();
    }
    for (int64_t group = 0; group < layout.groups; ++group) {
      F sums[kRows][kPanels];
      for (auto& of_row : sums) {
        for (F& sum : of_row) sum = Vec16::zero_f();
      }
      add_exact<0>(sums, group, bf16);
      add_exact<1>(sums, group, bf16);
      add_exact<2>(sums, group, bf16);
      add_exact<3>(sums, group, bf16);
      for (int p = 0; p < kPanels; ++p) {
        const F scales = group_scales(piece, panel_at(p), group);
        for (int r = 0; r < kRows; ++r) {
          totals[r][p] = Vec16::fma(sums[r][p], scales, totals[r][p]);
        }
      }
    }
    put(totals);
  }

  void run() const {
    if constexpr (kPanels == 4 && kRows > 1) {
      bf16();
    } else if constexpr (kPanels == 4) {
      piece.layout.format == PanelFormat::kBF16 ? bf16() : bytes();
    } else if constexpr (kPanels == 2) {
      piece.layout.bf16_rows ? exact() : bytes();
    } else {
      piece.layout.format == PanelFormat::kBF16 ? bf16()
      : piece.layout.bf16_rows                  ? exact()
                                                : bytes();
    }
  }
};

// Registers: 32. Six rows of four panels are 24 sums; of two, 12 sums of a group and 12 totals.
template <int kPanels>
void block_of_panels(const PanelPiece& piece, int64_t panel) {
  int64_t row = 0;
  for (; row + 6 <= piece.row_count; row += 6) Block<6, kPanels>{piece, row, panel}.run();
  for (; row + 3 <= piece.row_count; row += 3) Block<3, kPanels>{piece, row, panel}.run();
  for (; row < piece.row_count; ++row) Block<1, kPanels>{piece, row, panel}.run();
}

[[maybe_unused]] void vector_linear(const PanelPiece& piece) {
  int64_t panel = piece.first;
  if (piece.layout.format == PanelFormat::kBF16) {
    const Flushing flushing;
    for (; panel + 4 <= piece.last; panel += 4) block_of_panels<4>(piece, panel);
    for (; panel < piece.last; ++panel) block_of_panels<1>(piece, panel);
  } else if (piece.layout.bf16_rows) {
    const Flushing flushing;
    for (; panel + 2 <= piece.last; panel += 2) block_of_panels<2>(piece, panel);
    for (; panel < piece.last; ++panel) block_of_panels<1>(piece, panel);
  } else {
    // Of one row, four panels' sums and totals fit, and four streams come faster than two.
    const int64_t one_row = piece.row_count == 1 ? piece.last : 0;
    for (; panel + 4 <= one_row; panel += 4) Block<1, 4>{piece, 0, panel}.run();
    for (; panel + 2 <= piece.last; panel += 2) block_of_panels<2>(piece, panel);
    for (; panel < piece.last; ++panel) block_of_panels<1>(piece, panel);
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
