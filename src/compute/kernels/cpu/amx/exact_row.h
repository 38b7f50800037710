#pragma once
// One BF16 row against nibbles by vectors, in the arithmetic of the tiles' product (tile_emulated.h
// states it): of 32 inputs the even and the odd ones are two chains of FMAs from zero, whose sum is
// added to the group's. To unpack codes into memory for tiles costs a single row more than that.

#include "compute/kernels/cpu/amx/tile_block.h"

namespace kilotoken::cpu {
namespace {

template <int kPanels>
class ExactRow {
 public:
  ExactRow(const PanelPiece& piece, int64_t panel)
      : piece_(piece), panel_(panel), panels_(piece.panels + panel * piece.layout.panel_bytes) {
    float values[16];
    for (int code = 0; code < 16; ++code) {
      values[code] = static_cast<float>(code - piece.layout.zero_point);
    }
    values_ = Vec16::load_f(values);
  }

  void run() const {
    F totals[kPanels];
    for (F& total : totals) total = Vec16::zero_f();
    for (int64_t group = 0; group < piece_.layout.groups; ++group) {
      alignas(64) float row[kInputs];
      for (int i = 0; i < kInputs; i += 16) {
        Vec16::store_f(row + i, Vec16::load_bf16(piece_.rows + (group * kInputs + i) * 2));
      }
      // Two panels' chains are as many as the registers hold.
      constexpr int kAtOnce = kPanels < 2 ? 1 : 2;
      for (int p = 0; p < kPanels; p += kAtOnce) add_group<kAtOnce>(group, row, p, totals + p);
    }
    for (int p = 0; p < kPanels; ++p) put_row(piece_, 0, panel_ + p, totals[p]);
  }

 private:
  // Of a lane: first those of even inputs, one for each product of a group, then of odd ones.
  static constexpr int kNibbles = 8, kProducts = 4;
  static constexpr int kProductInputs = 2 * kInt4Lines;
  static constexpr int kInputs = kProducts * kProductInputs;  // of a group

  template <int kAtOnce>
  __attribute__((always_inline)) void add_group(int64_t group, const float* row, int first,
                                                F* totals) const {
    const int64_t stride = piece_.layout.panel_bytes;
    const char* const panels = panels_ + first * stride;
    const char* const lines = panels + group * kInt4Lines * kLine;
    F chains[kAtOnce][kNibbles];
    for (auto& of_panel : chains) {
      for (F& chain : of_panel) chain = Vec16::zero_f();
    }
    for (int64_t line = 0; line < kInt4Lines; ++line) {
      I packed[kAtOnce][4];
      for (int p = 0; p < kAtOnce; ++p) {
        const char* const at = lines + p * stride + line * kLine;
        __builtin_prefetch(at + 2 * kAhead, 0, 2);
        __builtin_prefetch(at + kAhead, 0, 3);
        // So that each byte of a lane is lowest once without a shift, which would wait for its turn
        // among the FMAs. What is read past the last line is the scales.
        for (int byte = 0; byte < 4; ++byte) packed[p][byte] = Vec16::load(at + byte);
      }
      add_line(packed, row + 2 * line, chains);
    }
    for (int p = 0; p < kAtOnce; ++p) {
      F sum = Vec16::zero_f();
      for (int product = 0; product < kProducts; ++product) {
        sum = Vec16::add(sum, Vec16::add(chains[p][product], chains[p][kProducts + product]));
      }
      totals[p] = Vec16::fma(sum, group_scales(piece_, panels + p * stride, group), totals[p]);
    }
  }

  template <int kNibble = 0, int kAtOnce>
  __attribute__((always_inline)) void add_line(const I (&packed)[kAtOnce][4], const float* row,
                                               F (&chains)[kAtOnce][kNibbles]) const {
    if constexpr (kNibble < kNibbles) {
      const F x = Vec16::all_f(row[kNibble % kProducts * kProductInputs + kNibble / kProducts]);
      for (int p = 0; p < kAtOnce; ++p) {
        const I code = Vec16::right<kNibble % 2 * 4>(packed[p][kNibble / 2]);
        chains[p][kNibble] = Vec16::fma(x, Vec16::lookup(values_, code), chains[p][kNibble]);
      }
      add_line<kNibble + 1>(packed, row, chains);
    }
  }

  const PanelPiece& piece_;
  int64_t panel_;
  const char* panels_;
  F values_;  // of the codes
};

inline void exact_row(const PanelPiece& piece) {
  const Flushing flushing;
  int64_t panel = piece.first;
  for (; panel + 4 <= piece.last; panel += 4) ExactRow<4>(piece, panel).run();
  for (; panel < piece.last; ++panel) ExactRow<1>(piece, panel).run();
}

}  // namespace
}  // namespace kilotoken::cpu
