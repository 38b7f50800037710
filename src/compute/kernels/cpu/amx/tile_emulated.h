#pragma once
// The tiles of tile.h in plain code, on any CPU with AVX2: what Intel's manual says that the
// instructions do (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2,
// TDPBF16PS and TDPBSSD/TDPBSUD/TDPBUSD/TDPBUUD, "Operation").
//
// TDPBF16PS: for one element of the sum, the products of even and of odd elements are two chains of
// FMAs that begin at zero, in ascending order; then even + odd, and that + the sum before. Each
// rounding is to nearest, denormal operands and results are zero.

#include <cstdint>

// Vec16 and Flushing are here: include one version of them first.

namespace kilotoken::cpu {
namespace {

struct Tile {
  alignas(64) unsigned char rows[16][64];
};

struct TileState {
  int depth_bytes, rows;
  Tile tiles[8];
};

// What the registers of a thread hold.
thread_local TileState tile_state;

struct Tiles {
  static void configure(int depth_bytes, int rows) {
    tile_state.depth_bytes = depth_bytes;
    tile_state.rows = rows;
    __builtin_memset(tile_state.tiles, 0, sizeof tile_state.tiles);
  }
  static void release() { configure(0, 0); }

  template <int kTile>
  static void zero() {
    __builtin_memset(&tile_state.tiles[kTile], 0, sizeof(Tile));
  }
  template <int kTile>
  static void load(const void* from, int64_t stride_bytes) {
    zero<kTile>();
    for (int row = 0; row < row_count(kTile); ++row) {
      __builtin_memcpy(tile_state.tiles[kTile].rows[row],
                       static_cast<const char*>(from) + row * stride_bytes, row_bytes(kTile));
    }
  }
  template <int kTile>
  static void load_passing(const void* from, int64_t stride_bytes) {
    load<kTile>(from, stride_bytes);
  }
  template <int kTile>
  static void store(void* to, int64_t stride_bytes) {
    for (int row = 0; row < row_count(kTile); ++row) {
      __builtin_memcpy(static_cast<char*>(to) + row * stride_bytes,
                       tile_state.tiles[kTile].rows[row], row_bytes(kTile));
    }
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_bf16() {
    const Flushing flushing;
    for (int row = 0; row < tile_state.rows; ++row) {
      dot_row(tile_state.tiles[kSum].rows[row], tile_state.tiles[kLeft].rows[row],
              tile_state.tiles[kRight]);
    }
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_signed_unsigned() {
    dot_bytes<int8_t, uint8_t>(kSum, kLeft, kRight);
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_signed_signed() {
    dot_bytes<int8_t, int8_t>(kSum, kLeft, kRight);
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_unsigned_signed() {
    dot_bytes<uint8_t, int8_t>(kSum, kLeft, kRight);
  }

 private:
  static int row_count(int tile) {
    return tile >= 6 ? tile_state.depth_bytes / 4 : tile_state.rows;
  }
  static unsigned long row_bytes(int tile) {
    return static_cast<unsigned long>(tile == 4 || tile == 5 ? tile_state.depth_bytes : 64);
  }

  static void dot_row(unsigned char (&sum)[64], const unsigned char (&left)[64],
                      const Tile& right) {
    using F = Vec16::F;
    const auto even = [](Vec16::I v) { return Vec16::as_float(Vec16::left<16>(v)); };
    const auto odd = [](Vec16::I v) {
      return Vec16::as_float(Vec16::both(v, Vec16::all(static_cast<int32_t>(0xffff0000u))));
    };
    F evens = Vec16::zero_f(), odds = Vec16::zero_f();
    for (int k = 0; k < tile_state.depth_bytes / 4; ++k) {
      int32_t pair;
      __builtin_memcpy(&pair, left + 4 * k, 4);
      const Vec16::I x = Vec16::all(pair), w = Vec16::load(right.rows[k]);
      evens = Vec16::fma(even(x), even(w), evens);
      odds = Vec16::fma(odd(x), odd(w), odds);
    }
    const F before = Vec16::load_f(sum);
    Vec16::store(sum, Vec16::bits(Vec16::add(before, Vec16::add(evens, odds))));
  }

  template <typename Left, typename Right>
  static void dot_bytes(int sum_tile, int left_tile, int right_tile) {
    for (int m = 0; m < tile_state.rows; ++m) {
      uint32_t sums[16];  // without a sign: too large a sum wraps, as the instruction's does
      __builtin_memcpy(sums, tile_state.tiles[sum_tile].rows[m], sizeof sums);
      for (int k = 0; k < tile_state.depth_bytes; ++k) {
        const int x = static_cast<Left>(tile_state.tiles[left_tile].rows[m][k]);
        const unsigned char* w = tile_state.tiles[right_tile].rows[k / 4] + k % 4;
        for (int n = 0; n < 16; ++n) {
          sums[n] += static_cast<uint32_t>(x * static_cast<Right>(w[4 * n]));
        }
      }
      __builtin_memcpy(tile_state.tiles[sum_tile].rows[m], sums, sizeof sums);
    }
  }
};

}  // namespace
}  // namespace kilotoken::cpu
