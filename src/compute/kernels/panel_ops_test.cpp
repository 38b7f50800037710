// What the panel tables are made of: the instructions, by hardware where there is any and by
// emulation, each beside a slow definition of what the manual says, bit for bit.

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <random>

#include "compute/kernels/cpu/features.h"
#include "compute/kernels/cpu/panel_piece.h"
#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

using cpu::PanelOps;
using cpu::TileProduct;

struct NamedOps {
  const char* name;
  const PanelOps* ops;
  bool here;
};

std::vector<NamedOps> all_ops() {
  const cpu::Features& has = cpu::features();
  const bool avx2 = has.avx2 && has.fma && has.f16c;
  const bool vnni = has.avx512f && has.avx512bw && has.avx512dq && has.avx512vl && has.avx512_vnni;
  const bool amx = vnni && has.amx_bf16 && has.amx_int8 && cpu::allow_amx();
  return {{"avx512-emulated", &cpu::kAvx512EmulatedOps, avx2},
          {"avx512", &cpu::kAvx512Ops, vnni},
          {"avx512 with bfloat16", &cpu::kAvx512Bf16Ops, vnni && has.avx512_bf16},
          {"amx-emulated", &cpu::kAmxEmulatedOps, avx2},
          {"amx", &cpu::kAmxOps, amx}};
}

class PanelOpsTest : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const NamedOps one = all_ops()[GetParam()];
    if (!one.here) GTEST_SKIP() << "instructions of " << one.name << " are not on this machine";
  }
  const PanelOps& ops() const { return *all_ops()[GetParam()].ops; }
};

INSTANTIATE_TEST_SUITE_P(All, PanelOpsTest, testing::Range<size_t>(0, 5));

float flushed(float value) {
  return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value;
}

float flushed_fma(float a, float b, float c) {
  return flushed(std::fma(flushed(a), flushed(b), flushed(c)));
}

float flushed_add(float a, float b) { return flushed(flushed(a) + flushed(b)); }

float widened(uint16_t bf16) { return std::bit_cast<float>(uint32_t{bf16} << 16); }

// BF16 numbers of all kinds: usual ones, tiny ones whose products vanish, denormals, zeros.
std::vector<uint16_t> bf16_numbers(size_t count, std::mt19937& random) {
  std::vector<uint16_t> numbers(count);
  for (uint16_t& number : numbers) {
    const auto kind = random() % 16;
    const float scale = kind == 0 ? 0x1p-70f : kind == 1 ? 0x1p-128f : kind == 2 ? 0.0f : 1.0f;
    const float value = std::normal_distribution<float>()(random) * scale;
    number = static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
  }
  return numbers;
}

template <typename T>
std::vector<T> bytes(size_t count, std::mt19937& random) {
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(random());
  return values;
}

TEST_P(PanelOpsTest, VectorBf16IsTheOddElementThenTheEvenOne) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const std::vector<uint16_t> w = bf16_numbers(32, random), x = bf16_numbers(32, random);
    std::vector<float> sums = numbers(1, 16, static_cast<uint32_t>(round));
    if (round % 4 == 0) sums[3] = 0x1p-130f;
    std::vector<float> expected = sums;
    for (size_t i = 0; i < 16; ++i) {
      expected[i] = flushed_fma(widened(w[2 * i + 1]), widened(x[2 * i + 1]), expected[i]);
      expected[i] = flushed_fma(widened(w[2 * i]), widened(x[2 * i]), expected[i]);
    }
    ops().vector_bf16(sums.data(), w.data(), x.data());
    ASSERT_TRUE(same_bits(sums.data(), expected.data(), 16)) << round;
  }
}

TEST_P(PanelOpsTest, VectorBytesAreExact) {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    std::vector<uint8_t> w = bytes<uint8_t>(64, random);
    std::vector<int8_t> x = bytes<int8_t>(64, random);
    if (round == 0) std::fill(w.begin(), w.end(), uint8_t{255});
    if (round == 0) std::fill(x.begin(), x.end(), int8_t{-128});
    std::array<int32_t, 16> sums{}, expected{};
    for (size_t i = 0; i < 16; ++i) {
      sums[i] = expected[i] = static_cast<int32_t>(random() % 1000000) - 500000;
      for (size_t k = 4 * i; k < 4 * i + 4; ++k) expected[i] += int{w[k]} * int{x[k]};
    }
    ops().vector_bytes(sums.data(), w.data(), x.data());
    ASSERT_EQ(sums, expected) << round;
  }
}

constexpr int kDepths[] = {4, 32, 60, 64};

TEST_P(PanelOpsTest, TileBf16IsTwoChainsFromZero) {
  if (ops().tile == nullptr) GTEST_SKIP() << "a table without tiles";
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const int depth = kDepths[round % 4];
    const std::vector<uint16_t> left = bf16_numbers(16 * 32, random);
    const std::vector<uint16_t> right = bf16_numbers(16 * 32, random);
    std::vector<float> sums = numbers(16, 16, static_cast<uint32_t>(round));
    std::vector<float> expected = sums;
    for (size_t m = 0; m < 16; ++m) {
      for (size_t n = 0; n < 16; ++n) {
        float even = 0, odd = 0;
        for (size_t k = 0; k < static_cast<size_t>(depth) / 4; ++k) {
          const uint16_t* a = left.data() + m * 32 + 2 * k;
          const uint16_t* b = right.data() + k * 32 + 2 * n;
          even = flushed_fma(widened(a[0]), widened(b[0]), even);
          odd = flushed_fma(widened(a[1]), widened(b[1]), odd);
        }
        float& sum = expected[m * 16 + n];
        sum = flushed_add(sum, flushed_add(even, odd));
      }
    }
    ops().tile(TileProduct::kBF16, depth, sums.data(), left.data(), right.data());
    ASSERT_TRUE(same_bits(sums.data(), expected.data(), sums.size())) << depth;
  }
}

template <typename Left, typename Right>
void expect_exact_tiles(const PanelOps& ops, TileProduct product) {
  std::mt19937 random(4);
  for (int round = 0; round < 20; ++round) {
    const int depth = kDepths[round % 4];
    const std::vector<Left> left = bytes<Left>(1024, random);
    const std::vector<Right> right = bytes<Right>(1024, random);
    std::vector<int32_t> sums(256, round), expected = sums;
    for (size_t m = 0; m < 16; ++m) {
      for (size_t n = 0; n < 16; ++n) {
        for (size_t k = 0; k < static_cast<size_t>(depth); ++k) {
          expected[m * 16 + n] += int{left[m * 64 + k]} * int{right[k / 4 * 64 + 4 * n + k % 4]};
        }
      }
    }
    ops.tile(product, depth, sums.data(), left.data(), right.data());
    ASSERT_EQ(sums, expected) << depth;
  }
}

TEST_P(PanelOpsTest, TileBytesAreExactWithAnySigns) {
  if (ops().tile == nullptr) GTEST_SKIP() << "a table without tiles";
  expect_exact_tiles<int8_t, int8_t>(ops(), TileProduct::kSignedSigned);
  expect_exact_tiles<int8_t, uint8_t>(ops(), TileProduct::kSignedUnsigned);
  expect_exact_tiles<uint8_t, int8_t>(ops(), TileProduct::kUnsignedSigned);
}

}  // namespace
}  // namespace kilotoken
