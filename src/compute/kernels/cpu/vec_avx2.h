#pragma once
// The vector operations that cpu/kernels.h is written in, for AVX2 with FMA and F16C.

#include <immintrin.h>

#include <cstdint>

namespace kilotoken::cpu {
namespace {

struct Vec {
  using F = __m256;
  static constexpr int kLanes = 8;
  // Registers: 16. A tile of 4 rows x 3 outputs holds 12 sums, 3 weights and 1 input.
  static constexpr int kTileRows = 4, kTileOutputs = 3;
  static constexpr int64_t kDepth = 1024;                    // 12 KiB of L1
  static constexpr int64_t kSlabRows = 64, kGroupTiles = 8;  // 256 and 48 KiB of L2

  static F zero() { return _mm256_setzero_ps(); }
  static F all(float value) { return _mm256_set1_ps(value); }
  static F load(const float* from) { return _mm256_loadu_ps(from); }
  static F load_some(const float* from, int64_t n) { return _mm256_maskload_ps(from, mask(n)); }
  static void store(float* to, F v) { _mm256_storeu_ps(to, v); }
  static void store_some(float* to, int64_t n, F v) { _mm256_maskstore_ps(to, mask(n), v); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }    // a b + c
  static F fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a b
  static F max(F a, F b) { return _mm256_max_ps(a, b); }              // b where either is NaN
  static F min(F a, F b) { return _mm256_min_ps(a, b); }              // b where either is NaN
  static F round(F v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // v, but 0 where x < limit.
  static F zero_below(F v, F x, F limit) {
    return _mm256_andnot_ps(_mm256_cmp_ps(x, limit, _CMP_LT_OQ), v);
  }
  // 2^n for whole n in [-126, 127].
  static F power_of_two(F n) {
    const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
  }
  // v in the lanes from <= lane < to, `other` elsewhere.
  static F within(F v, F other, int from, int to) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i low = _mm256_cmpgt_epi32(_mm256_set1_epi32(from), lane);
    const __m256i inside =
        _mm256_andnot_si256(low, _mm256_cmpgt_epi32(_mm256_set1_epi32(to), lane));
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(inside));
  }

  // ((0+4) + (2+6)) + ((1+5) + (3+7)) of the lanes.
  static float sum(F v) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float largest(F v) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  // Lane i of the result is the sum of v[i]'s lanes, in an order that is the same for each i.
  static F sums(const F (&v)[kLanes]) {
    const F a = _mm256_hadd_ps(_mm256_hadd_ps(v[0], v[1]), _mm256_hadd_ps(v[2], v[3]));
    const F b = _mm256_hadd_ps(_mm256_hadd_ps(v[4], v[5]), _mm256_hadd_ps(v[6], v[7]));
    return add(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
  }

  // The stored types: `load` takes kLanes numbers at any alignment.
  struct F32 {
    static constexpr int64_t kBytes = 4;
    static F load(const char* from) {
      return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(from)));
    }
  };
  struct F16 {
    static constexpr int64_t kBytes = 2;
    static F load(const char* from) {
      return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from)));
    }
  };
  struct BF16 {
    static constexpr int64_t kBytes = 2;
    static F load(const char* from) {
      const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from));
      return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
  };

 private:
  static __m256i mask(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

}  // namespace
}  // namespace kilotoken::cpu
