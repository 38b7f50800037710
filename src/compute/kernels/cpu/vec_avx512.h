#pragma once
// Sixteen lanes of AVX-512 for the panel kernels, and the same by AVX2 in vec_avx512_emulated.h.
// BF16 products are those of vdpbf16ps: the odd element first, two float32 FMAs, denormals taken
// and given as zero (Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS; the
// order was found by comparing bits on Zen 5). Without the instruction the FMAs give the same bits,
// under Flushing.

#include <immintrin.h>

#include <cstdint>

#include "compute/kernels/cpu/flushing.h"

namespace kilotoken::cpu {
namespace {

struct Vec16 {
  using F = __m512;
  using I = __m512i;
  static constexpr int kRegisters = 32;  // of 16 lanes

  static F zero_f() { return _mm512_setzero_ps(); }
  static I all(int32_t value) { return _mm512_set1_epi32(value); }
  static F all_f(float value) { return _mm512_set1_ps(value); }
  static I load(const void* from) { return _mm512_loadu_si512(from); }
  static F load_f(const void* from) { return _mm512_loadu_ps(from); }
  static F load_half(const void* from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i_u*>(from)));
  }
  static void store(void* to, I v) { _mm512_storeu_si512(to, v); }
  static void store_f(float* to, F v) { _mm512_storeu_ps(to, v); }
  static F load_some(const float* from, int n) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), from);
  }
  static void store_some(float* to, int n, F v) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << n) - 1), v);
  }
  static F add(F a, F b) { return _mm512_add_ps(a, b); }
  static F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F to_float(I v) { return _mm512_cvtepi32_ps(v); }
  static I bits(F v) { return _mm512_castps_si512(v); }
  static F as_float(I v) { return _mm512_castsi512_ps(v); }
  static I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
  static I plus(I a, I b) { return _mm512_add_epi32(a, b); }
  static I larger(I a, I b) { return _mm512_max_epi32(a, b); }
  static I nearest(F v) { return _mm512_cvtps_epi32(v); }  // to even
  // Per lane: a > b ? yes : no.
  static I if_over(I a, I b, I yes, I no) {
    return _mm512_mask_blend_epi32(_mm512_cmpgt_epi32_mask(a, b), no, yes);
  }
  static F load_bf16(const void* from) {
    const __m256i words = _mm256_loadu_si256(static_cast<const __m256i_u*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(words), 16));
  }
  // Lanes i and i + 8, of these sums i and i + 4, of these i and i + 2, and of these the two.
  static float sum(F v) {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static int32_t sum(I v) { return _mm512_reduce_add_epi32(v); }
  static int32_t largest(I v) { return _mm512_reduce_max_epi32(v); }
  // The lower 8 or 16 bits of each lane.
  static void store_bytes(void* to, I v) {
    _mm_storeu_si128(static_cast<__m128i_u*>(to), _mm512_cvtepi32_epi8(v));
  }
  static void store_words(void* to, I v) {
    _mm256_storeu_si256(static_cast<__m256i_u*>(to), _mm512_cvtepi32_epi16(v));
  }
  static I both(I a, I b) { return _mm512_and_si512(a, b); }
  static I either(I a, I b) { return _mm512_or_si512(a, b); }
  static I one_of(I a, I b) { return _mm512_xor_si512(a, b); }
  template <int kBits>
  static I right(I v) {
    return _mm512_srli_epi32(v, kBits);
  }
  template <int kBits>
  static I left(I v) {
    return _mm512_slli_epi32(v, kBits);
  }

  // Of sixteen words of 16 bits, or floats: those that the lowest four bits of each of `at` name.
  using Words = __m512i;
  static Words table_of(const uint16_t (&words)[16]) {
    // Twice, since the instruction reads five bits.
    return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(words)));
  }
  static I lookup(Words table, I at) { return _mm512_permutexvar_epi16(at, table); }
  static F lookup(F table, I at) { return _mm512_permutexvar_ps(at, table); }

  // acc + the four products of each lane: bytes of w without sign, of x with it.
  // As assembly: GCC 12 copies every sum before its intrinsic, and has no registers left.
  static I dot_bytes(I acc, I w, I x) {
    asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(w), "v"(x));
    return acc;
  }

  static F dot_bf16(F acc, I w, I x) {
#ifdef __AVX512BF16__
    return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(w), reinterpret_cast<__m512bh>(x));
#else
    const I high = _mm512_set1_epi32(static_cast<int32_t>(0xffff0000u));
    acc = _mm512_fmadd_ps(_mm512_castsi512_ps(both(w, high)), _mm512_castsi512_ps(both(x, high)),
                          acc);
    return _mm512_fmadd_ps(_mm512_castsi512_ps(_mm512_slli_epi32(w, 16)),
                           _mm512_castsi512_ps(_mm512_slli_epi32(x, 16)), acc);
#endif
  }
};

}  // namespace
}  // namespace kilotoken::cpu
