#pragma once
// AMX's tiles, one function per instruction, as inline assembly: compilers' own intrinsics want
// literal tile numbers, and GCC 12's _tile_loadconfig declares 8 of the 64 bytes that the
// instruction reads, so that stores to the others are deleted. Here memory that an instruction
// reads or writes is stated. tile_emulated.h has the same functions in plain code.
//
// Shapes: tiles 0 to 3 are sums, `rows` rows of 16 float32 or int32; tiles 4 and 5 are left
// operands, as many rows of `depth_bytes`; tiles 6 and 7 are right operands, depth_bytes / 4 rows
// of 16 lanes of 4 bytes.

#include <cstdint>

namespace kilotoken::cpu {
namespace {

struct Tiles {
  // Before any other; on each thread. depth_bytes: a multiple of 4 up to 64; rows: 1 to 16.
  static void configure(int depth_bytes, int rows) {
    struct alignas(64) {
      uint8_t palette, start_row, reserved[14];
      uint16_t row_bytes[16];
      uint8_t rows[16];
    } config = {};
    config.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
      config.row_bytes[tile] = static_cast<uint16_t>(tile == 4 || tile == 5 ? depth_bytes : 64);
      config.rows[tile] = static_cast<uint8_t>(tile >= 6 ? depth_bytes / 4 : rows);
    }
    asm volatile("ldtilecfg %0" ::"m"(config));
  }
  static void release() { asm volatile("tilerelease" ::: "memory"); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
  }
  template <int kTile>
  static void load(const void* from, int64_t stride_bytes) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride_bytes), "i"(kTile)
                 : "memory");
  }
  // The same with the hint that the first cache is to keep what it has.
  template <int kTile>
  static void load_passing(const void* from, int64_t stride_bytes) {
    asm volatile("tileloaddt1 (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride_bytes), "i"(kTile)
                 : "memory");
  }
  template <int kTile>
  static void store(void* to, int64_t stride_bytes) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride_bytes), "i"(kTile)
                 : "memory");
  }
  // kSum += kLeft * kRight; bytes: left with a sign, right without, with, or the other way round.
  template <int kSum, int kLeft, int kRight>
  static void dot_bf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_signed_unsigned() {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_signed_signed() {
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
  }
  template <int kSum, int kLeft, int kRight>
  static void dot_unsigned_signed() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSum), "i"(kLeft), "i"(kRight));
  }
};

}  // namespace
}  // namespace kilotoken::cpu
