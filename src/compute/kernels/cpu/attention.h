#pragma once
// Attention on one page, and the activation, in terms of Vec. Scores: per slot one vector of sums
// over head_dim by FMA in ascending order. Exponentials of a page are added per lane, then across
// lanes; values are added by FMA in ascending position.

#include "compute/kernels/cpu/load_some.h"
#include "compute/kernels/cpu/ops.h"

namespace kilotoken::cpu {
namespace {

// e^x as 2^n e^r, n = round(x / ln 2), |r| <= ln 2 / 2 (Cody and Waite, "Software Manual for the
// Elementary Functions", 1980, chapter 6). The polynomial for e^r has relative error 3.1e-9:
// minimax of degree 6 by Remez exchange with the first two coefficients held at 1. In float32 the
// whole is within 0.9 ulp for -87.33 <= x <= 88.37; below it gives 0, above it stays at e^88.37,
// NaN is NaN.
Vec::F exponential(Vec::F argument) {
  const Vec::F lowest = Vec::all(-87.33f);  // e^lowest is the last normal number
  const Vec::F x = Vec::min(Vec::all(88.37f), Vec::max(lowest, argument));
  const Vec::F n = Vec::round(Vec::mul(x, Vec::all(1.44269504f)));
  Vec::F r = Vec::fnma(n, Vec::all(0x1.62e4p-1f), x);
  r = Vec::fnma(n, Vec::all(0x1.7f7d1cp-20f), r);
  Vec::F p = Vec::all(0x1.6a23d0p-10f);
  p = Vec::fma(p, r, Vec::all(0x1.123a20p-7f));
  p = Vec::fma(p, r, Vec::all(0x1.5558f2p-5f));
  p = Vec::fma(p, r, Vec::all(0x1.555492p-3f));
  p = Vec::fma(p, r, Vec::all(0x1.fffffcp-2f));
  p = Vec::fma(p, r, Vec::all(1.0f));
  p = Vec::fma(p, r, Vec::all(1.0f));
  return Vec::zero_below(Vec::mul(p, Vec::power_of_two(n)), argument, lowest);
}

Vec::F silu_times(Vec::F gate, Vec::F up) {
  const Vec::F e = exponential(Vec::sub(Vec::zero(), gate));
  return Vec::mul(Vec::div(gate, Vec::add(Vec::all(1.0f), e)), up);
}

void silu_multiply(float* gate, const float* up, int64_t count) {
  int64_t i = 0;
  for (; i + Vec::kLanes <= count; i += Vec::kLanes) {
    Vec::store(gate + i, silu_times(Vec::load(gate + i), Vec::load(up + i)));
  }
  if (i < count) {
    const int64_t left = count - i;
    const Vec::F product = silu_times(Vec::load_some(gate + i, left), Vec::load_some(up + i, left));
    Vec::store_some(gate + i, left, product);
  }
}

template <typename T>
void widen_of(const char* from, int64_t rows, int64_t size, float* to, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row, from += size * T::kBytes, to += stride) {
    int64_t i = 0;
    for (; i + Vec::kLanes <= size; i += Vec::kLanes) {
      Vec::store(to + i, T::load(from + i * T::kBytes));
    }
    if (i < size) Vec::store(to + i, load_some<T>(from + i * T::kBytes, size - i));
  }
}

void widen(const char* from, Stored stored, int64_t rows, int64_t size, float* to, int64_t stride) {
  switch (stored) {
    case Stored::kF32:
      return widen_of<Vec::F32>(from, rows, size, to, stride);
    case Stored::kF16:
      return widen_of<Vec::F16>(from, rows, size, to, stride);
    case Stored::kBF16:
      return widen_of<Vec::BF16>(from, rows, size, to, stride);
  }
}

// kLanes scores of one query, for the slots whose keys begin at `keys`.
Vec::F scores_of(const float* query, const float* keys, int64_t stride) {
  Vec::F sums[Vec::kLanes];
  for (Vec::F& sum : sums) sum = Vec::zero();
  for (int64_t d = 0; d < stride; d += Vec::kLanes) {
    const Vec::F q = Vec::load(query + d);
    for (int slot = 0; slot < Vec::kLanes; ++slot) {
      sums[slot] = Vec::fma(q, Vec::load(keys + slot * stride + d), sums[slot]);
    }
  }
  return Vec::sums(sums);
}

// output[0, kWidth vectors) = output * shrink + sum over the slots of share * value.
template <int kWidth>
void add_values(const PageAttention& page, int64_t d, const float* shares, float shrink) {
  Vec::F sums[kWidth];
  for (int v = 0; v < kWidth; ++v) {
    sums[v] = Vec::mul(Vec::load(page.output + d + v * Vec::kLanes), Vec::all(shrink));
  }
  for (int32_t slot = page.from; slot < page.to; ++slot) {
    const Vec::F share = Vec::all(shares[slot]);
    const float* values = page.values + slot * page.stride + d;
    for (int v = 0; v < kWidth; ++v) {
      sums[v] = Vec::fma(share, Vec::load(values + v * Vec::kLanes), sums[v]);
    }
  }
  for (int v = 0; v < kWidth; ++v) Vec::store(page.output + d + v * Vec::kLanes, sums[v]);
}

void attend(const PageAttention& page) {
  constexpr int kLanes = Vec::kLanes;
  alignas(64) float shares[64];
  const Vec::F nothing = Vec::all(-__builtin_inff());
  const int32_t first = page.from / kLanes * kLanes;
  Vec::F largest = Vec::all(page.state[0]);
  for (int32_t slot = first; slot < page.to; slot += kLanes) {
    const Vec::F dots = scores_of(page.query, page.keys + slot * page.stride, page.stride);
    const Vec::F scores = Vec::within(Vec::mul(dots, Vec::all(page.scale)), nothing,
                                      page.from - slot, page.to - slot);
    largest = Vec::max(largest, scores);
    Vec::store(shares + slot, scores);
  }
  const float max = Vec::largest(largest);
  Vec::F sums = Vec::zero();
  for (int32_t slot = first; slot < page.to; slot += kLanes) {
    const Vec::F share = exponential(Vec::sub(Vec::load(shares + slot), Vec::all(max)));
    sums = Vec::add(sums, share);
    Vec::store(shares + slot, share);
  }
  alignas(64) float shrink[kLanes];
  Vec::store(shrink, exponential(Vec::all(page.state[0] - max)));
  page.state[0] = max;
  page.state[1] = page.state[1] * shrink[0] + Vec::sum(sums);
  int64_t d = 0;
  for (; d + 8 * kLanes <= page.stride; d += 8 * kLanes) add_values<8>(page, d, shares, *shrink);
  for (; d + 2 * kLanes <= page.stride; d += 2 * kLanes) add_values<2>(page, d, shares, *shrink);
  for (; d < page.stride; d += kLanes) add_values<1>(page, d, shares, *shrink);
}

}  // namespace
}  // namespace kilotoken::cpu
