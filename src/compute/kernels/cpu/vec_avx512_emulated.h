#pragma once
// Vec16 of vec_avx512.h by AVX2 and FMA: the same bits, so that the kernels written in it run and
// are tested on machines without AVX-512.

#include <immintrin.h>

#include <cstdint>

#include "compute/kernels/cpu/flushing.h"

namespace kilotoken::cpu {
namespace {

struct Vec16 {
  struct F {
    __m256 low, high;
  };
  struct I {
    __m256i low, high;
  };
  static constexpr int kRegisters = 8;

  static F zero_f() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
  static I all(int32_t value) { return {_mm256_set1_epi32(value), _mm256_set1_epi32(value)}; }
  static F all_f(float value) { return {_mm256_set1_ps(value), _mm256_set1_ps(value)}; }
  static I load(const void* from) {
    const auto* at = static_cast<const __m256i_u*>(from);
    return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
  }
  static F load_f(const void* from) { return as_float(load(from)); }
  static F load_half(const void* from) {
    const auto* at = static_cast<const __m128i_u*>(from);
    return {_mm256_cvtph_ps(_mm_loadu_si128(at)), _mm256_cvtph_ps(_mm_loadu_si128(at + 1))};
  }
  static void store(void* to, I v) {
    auto* at = static_cast<__m256i_u*>(to);
    _mm256_storeu_si256(at, v.low);
    _mm256_storeu_si256(at + 1, v.high);
  }
  static void store_f(float* to, F v) {
    _mm256_storeu_ps(to, v.low);
    _mm256_storeu_ps(to + 8, v.high);
  }
  static F load_some(const float* from, int n) {
    float part[16] = {};
    __builtin_memcpy(part, from, static_cast<unsigned long>(n) * sizeof(float));
    return load_f(part);
  }
  static void store_some(float* to, int n, F v) {
    float part[16];
    store_f(part, v);
    __builtin_memcpy(to, part, static_cast<unsigned long>(n) * sizeof(float));
  }
  static F add(F a, F b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  static F mul(F a, F b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  static F fma(F a, F b, F c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static F to_float(I v) { return {_mm256_cvtepi32_ps(v.low), _mm256_cvtepi32_ps(v.high)}; }
  static I bits(F v) { return {_mm256_castps_si256(v.low), _mm256_castps_si256(v.high)}; }
  static F as_float(I v) { return {_mm256_castsi256_ps(v.low), _mm256_castsi256_ps(v.high)}; }
  static I sub(I a, I b) {
    return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
  }
  static I plus(I a, I b) {
    return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
  }
  static I larger(I a, I b) {
    return {_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high)};
  }
  static I nearest(F v) { return {_mm256_cvtps_epi32(v.low), _mm256_cvtps_epi32(v.high)}; }
  static I if_over(I a, I b, I yes, I no) {
    return {_mm256_blendv_epi8(no.low, yes.low, _mm256_cmpgt_epi32(a.low, b.low)),
            _mm256_blendv_epi8(no.high, yes.high, _mm256_cmpgt_epi32(a.high, b.high))};
  }
  static F load_bf16(const void* from) {
    const auto* at = static_cast<const __m128i_u*>(from);
    return as_float(left<16>({_mm256_cvtepu16_epi32(_mm_loadu_si128(at)),
                              _mm256_cvtepu16_epi32(_mm_loadu_si128(at + 1))}));
  }
  static float sum(F v) {
    const __m256 eight = _mm256_add_ps(v.low, v.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static int32_t sum(I v) {
    int32_t lanes[16], total = 0;
    store(lanes, v);
    for (const int32_t lane : lanes) total += lane;
    return total;
  }
  static int32_t largest(I v) {
    int32_t lanes[16];
    store(lanes, v);
    int32_t most = lanes[0];
    for (const int32_t lane : lanes) most = lane > most ? lane : most;
    return most;
  }
  static void store_bytes(void* to, I v) {
    int32_t lanes[16];
    store(lanes, v);
    for (int i = 0; i < 16; ++i) static_cast<int8_t*>(to)[i] = static_cast<int8_t>(lanes[i]);
  }
  static void store_words(void* to, I v) {
    const __m256i mask = _mm256_set1_epi32(0xffff);
    const __m256i both_halves =
        _mm256_packus_epi32(_mm256_and_si256(v.low, mask), _mm256_and_si256(v.high, mask));
    _mm256_storeu_si256(static_cast<__m256i_u*>(to), _mm256_permute4x64_epi64(both_halves, 0xd8));
  }
  static I both(I a, I b) {
    return {_mm256_and_si256(a.low, b.low), _mm256_and_si256(a.high, b.high)};
  }
  static I either(I a, I b) {
    return {_mm256_or_si256(a.low, b.low), _mm256_or_si256(a.high, b.high)};
  }
  static I one_of(I a, I b) {
    return {_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high)};
  }
  template <int kBits>
  static I right(I v) {
    return {_mm256_srli_epi32(v.low, kBits), _mm256_srli_epi32(v.high, kBits)};
  }

  template <int kBits>
  static I left(I v) {
    return {_mm256_slli_epi32(v.low, kBits), _mm256_slli_epi32(v.high, kBits)};
  }

  struct Words {
    __m256i low, high;  // bytes of each word
  };
  static Words table_of(const uint16_t (&words)[16]) {
    unsigned char low[16], high[16];
    for (int i = 0; i < 16; ++i) {
      low[i] = static_cast<unsigned char>(words[i]);
      high[i] = static_cast<unsigned char>(words[i] >> 8);
    }
    return {of_bytes(low), of_bytes(high)};
  }
  static I lookup(Words table, I at) { return {lookup(table, at.low), lookup(table, at.high)}; }
  static F lookup(F table, I at) { return {lookup(table, at.low), lookup(table, at.high)}; }

  static I dot_bytes(I acc, I w, I x) {
    return {dot_bytes(acc.low, w.low, x.low), dot_bytes(acc.high, w.high, x.high)};
  }
  static F dot_bf16(F acc, I w, I x) {
    return {dot_bf16(acc.low, w.low, x.low), dot_bf16(acc.high, w.high, x.high)};
  }

 private:
  static __m256i of_bytes(const unsigned char (&bytes)[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(bytes)));
  }
  static __m256i lookup(Words table, __m256i at) {
    at = _mm256_and_si256(at, _mm256_set1_epi16(15));
    const __m256i low = _mm256_shuffle_epi8(table.low, at);
    const __m256i high = _mm256_shuffle_epi8(table.high, at);
    return _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi16(0xff)),
                           _mm256_slli_epi16(high, 8));
  }

  static __m256 lookup(F table, __m256i at) {
    const __m256 low = _mm256_permutevar8x32_ps(table.low, at);
    const __m256 high = _mm256_permutevar8x32_ps(table.high, at);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(at, 28)));
  }

  // By 16-bit lanes, even and odd bytes apart: nothing saturates.
  static __m256i dot_bytes(__m256i acc, __m256i w, __m256i x) {
    const __m256i even_w = _mm256_and_si256(w, _mm256_set1_epi16(0xff));
    const __m256i odd_w = _mm256_srli_epi16(w, 8);
    const __m256i even_x = _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8);
    const __m256i odd_x = _mm256_srai_epi16(x, 8);
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(even_w, even_x));
    return _mm256_add_epi32(acc, _mm256_madd_epi16(odd_w, odd_x));
  }
  static __m256 dot_bf16(__m256 acc, __m256i w, __m256i x) {
    const __m256i high = _mm256_set1_epi32(static_cast<int32_t>(0xffff0000u));
    acc = _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_and_si256(w, high)),
                          _mm256_castsi256_ps(_mm256_and_si256(x, high)), acc);
    return _mm256_fmadd_ps(_mm256_castsi256_ps(_mm256_slli_epi32(w, 16)),
                           _mm256_castsi256_ps(_mm256_slli_epi32(x, 16)), acc);
  }
};

}  // namespace
}  // namespace kilotoken::cpu
