#pragma once
// The Vec that linear.h is written in, of 16 lanes, by the Vec16 of a vec_avx512*.h included before
// this file.

namespace kilotoken::cpu {
namespace {

struct Vec {
  using F = Vec16::F;
  static constexpr int kLanes = 16;
  // Of 32 registers, a tile of 4 rows x 6 outputs takes 24 for sums, 6 for weights and 1 for input.
  // (Emulated it is for tests.)
  static constexpr int kTileRows = Vec16::kRegisters == 32 ? 4 : 2;
  static constexpr int kTileOutputs = Vec16::kRegisters == 32 ? 6 : 2;
  static constexpr int64_t kDepth = 1024;                     // 24 KiB of L1
  static constexpr int64_t kSlabRows = 64, kGroupTiles = 16;  // 256 and 384 KiB of L2

  static F zero() { return Vec16::zero_f(); }
  static F load(const float* from) { return Vec16::load_f(from); }
  static F load_some(const float* from, int64_t n) {
    return Vec16::load_some(from, static_cast<int>(n));
  }
  static void store(float* to, F v) { Vec16::store_f(to, v); }
  static F fma(F a, F b, F c) { return Vec16::fma(a, b, c); }
  static float sum(F v) { return Vec16::sum(v); }

  // The stored types: `load` takes kLanes numbers at any alignment.
  struct F32 {
    static constexpr int64_t kBytes = 4;
    static F load(const char* from) { return Vec16::load_f(from); }
  };
  struct F16 {
    static constexpr int64_t kBytes = 2;
    static F load(const char* from) { return Vec16::load_half(from); }
  };
  struct BF16 {
    static constexpr int64_t kBytes = 2;
    static F load(const char* from) { return Vec16::load_bf16(from); }
  };
};

}  // namespace
}  // namespace kilotoken::cpu
