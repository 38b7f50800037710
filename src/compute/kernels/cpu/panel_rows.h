#pragma once
// Activation rows for panels, rounded to BF16 or INT8, in terms of Vec16. reference/quantised.cpp
// does the same in plain code, to the bit.

#include "compute/kernels/cpu/panel_piece.h"

namespace kilotoken::cpu {
namespace {

using F = Vec16::F;
using I = Vec16::I;

inline F load_up_to_16(const float* from, int64_t count) {
  return count >= 16 ? Vec16::load_f(from) : Vec16::load_some(from, static_cast<int>(count));
}

inline I magnitude(F numbers) { return Vec16::both(Vec16::bits(numbers), Vec16::all(0x7fffffff)); }

// In the lower half of each lane.
inline I nearest_bf16(F numbers) {
  const I bits = Vec16::bits(numbers);
  const I odd = Vec16::both(Vec16::right<16>(bits), Vec16::all(1));
  const I rounded = Vec16::plus(bits, Vec16::plus(odd, Vec16::all(0x7fff)));
  const I quiet = Vec16::either(bits, Vec16::all(0x400000));
  return Vec16::right<16>(
      Vec16::if_over(magnitude(numbers), Vec16::all(0x7f800000), quiet, rounded));
}

// Where a byte of a row lies (PanelPiece).
inline char* row_at(const RoundRows& rows, int64_t row, int64_t byte) {
  const int64_t height = rows.tile_rows, first = row / height * height;
  return rows.rows + first * rows.row_bytes + byte / 64 * 64 * height + (row - first) * 64 +
         byte % 64;
}

// And where the scale and the sum of a group's codes.
inline int64_t group_at(const RoundRows& rows, int64_t row, int64_t group) {
  const int64_t height = rows.tile_rows, first = row / height * height;
  return first * rows.groups + group * height + row - first;
}

inline void round_bf16(const RoundRows& rows) {
  for (int64_t row = rows.first; row < rows.last; ++row) {
    const float* from = rows.input + row * rows.in;
    for (int64_t i = 0; i < rows.row_bytes / 2; i += 16) {
      const I words =
          i < rows.in ? nearest_bf16(load_up_to_16(from + i, rows.in - i)) : Vec16::all(0);
      Vec16::store_words(row_at(rows, row, 2 * i), words);
    }
  }
}

inline void round_int8(const RoundRows& rows) {
  constexpr int32_t kNotFinite = 0x7f800000, kTiny = 0x0d800000;          // 2^-100
  const int64_t padded = rows.groups == 1 ? rows.row_bytes : rows.group;  // codes of a group
  for (int64_t row = rows.first; row < rows.last; ++row) {
    for (int64_t group = 0; group < rows.groups; ++group) {
      const float* from = rows.input + row * rows.in + group * rows.group;
      I most = Vec16::all(0);
      for (int64_t i = 0; i < rows.group; i += 16) {
        most = Vec16::larger(most, magnitude(load_up_to_16(from + i, rows.group - i)));
      }
      const int32_t bits = Vec16::largest(most);
      const bool usual = bits > kTiny && bits < kNotFinite;
      float largest;
      __builtin_memcpy(&largest, &bits, sizeof largest);
      const F factor = Vec16::all_f(usual ? 127.0f / largest : 0.0f);
      I sum = Vec16::all(0);
      for (int64_t i = 0; i < padded; i += 16) {
        const I codes =
            usual && i < rows.group
                ? Vec16::nearest(Vec16::mul(load_up_to_16(from + i, rows.group - i), factor))
                : Vec16::all(0);
        sum = Vec16::plus(sum, codes);
        Vec16::store_bytes(row_at(rows, row, group * padded + i), codes);
      }
      const int64_t at = group_at(rows, row, group);
      rows.row_scales[at] = usual               ? largest / 127.0f
                            : bits < kNotFinite ? 0.0f
                                                : __builtin_nanf("");
      rows.row_sums[at] = rows.zero_point * Vec16::sum(sum);
    }
  }
}

}  // namespace
}  // namespace kilotoken::cpu
