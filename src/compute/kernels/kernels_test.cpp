// One list of cases for every table: near a float64 reference, and the same bits at any place.
// Linears are in linear_test.cpp, attention in attention_test.cpp.

#include "compute/kernels/kernels.h"

#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

class KernelsTest : public EveryTable {};
INSTANTIATE_TEST_SUITE_P(Tables, KernelsTest, testing::Range<size_t>(0, kernel_tables().size()),
                         table_name);

constexpr DType kDTypes[] = {DType::kF32, DType::kF16, DType::kBF16};

TEST_P(KernelsTest, RmsNormIsNearTheExactOne) {
  for (int64_t size : {1, 8, 63, 288, 1024}) {
    for (DType dtype : kDTypes) {
      const std::vector<float> input = numbers(70, size, 4);
      const StoredNumbers weights(numbers(1, size, 5), dtype);
      const Tensor weight = weights.tensor({size});
      std::vector<float> output(input.size());
      ThreadPool pool(3);
      kernels().rms_norm(input.data(), weight, 1e-5f, 70, output.data(), pool);
      for (int64_t row = 0; row < 70; ++row) {
        double squares = 0;
        for (int64_t i = 0; i < size; ++i) {
          squares += std::pow(double{input[static_cast<size_t>(row * size + i)]}, 2);
        }
        const double scale = 1 / std::sqrt(squares / static_cast<double>(size) + double{1e-5f});
        for (int64_t i = 0; i < size; ++i) {
          const size_t at = static_cast<size_t>(row * size + i);
          const double exact = input[at] * scale * weight.at(i);
          ASSERT_NEAR(output[at], exact, 4 * kEpsilon * std::abs(exact)) << size;
        }
      }
    }
  }
}

std::vector<float> inverse_frequencies(int head_dim) {
  std::vector<float> frequencies;
  for (int i = 0; i < head_dim / 2; ++i) {
    frequencies.push_back(1 / std::pow(10000.0f, 2.0f * static_cast<float>(i) / head_dim));
  }
  return frequencies;
}

TEST_P(KernelsTest, RopeTurnsPairsByPositionTimesFrequency) {
  ThreadPool pool(2);
  const std::vector<int32_t> positions{0, 1, 2, 63, 511, 8191};
  for (int head_dim : {2, 8, 48, 128}) {
    const std::vector<float> frequencies = inverse_frequencies(head_dim);
    const int half = head_dim / 2, heads = 3;
    const std::vector<float> before = numbers(6 * heads, head_dim, 6);
    for (bool interleaved : {false, true}) {
      std::vector<float> after = before;
      kernels().rope(
          {after.data(), positions.data(), frequencies.data(), 6, heads, head_dim, interleaved},
          pool);
      for (size_t head = 0; head < 6u * heads; ++head) {
        for (int i = 0; i < half; ++i) {
          const size_t base = head * static_cast<size_t>(head_dim);
          const size_t a = base + static_cast<size_t>(interleaved ? 2 * i : i);
          const size_t b = base + static_cast<size_t>(interleaved ? 2 * i + 1 : i + half);
          // The angle is a float32 product, as in the model's reference implementation.
          const double angle = static_cast<float>(positions[head / heads]) * frequencies[i];
          const double x = before[a], y = before[b],
                       bound = 4 * kEpsilon * (std::abs(x) + std::abs(y));
          ASSERT_NEAR(after[a], x * std::cos(angle) - y * std::sin(angle), bound);
          ASSERT_NEAR(after[b], y * std::cos(angle) + x * std::sin(angle), bound);
        }
      }
    }
  }
}

TEST_P(KernelsTest, SiluIsNearTheExactOne) {
  std::vector<float> gate;
  for (float g = -87.3f; g < 87.3f; g += 0.0037f) gate.push_back(g);
  gate.insert(gate.end(), {0.0f, -0.0f, 1e-30f, -1e-30f, 1000.0f});
  const std::vector<float> before = gate, up = numbers(1, static_cast<int64_t>(gate.size()), 7);
  ThreadPool pool(2);
  kernels().silu_multiply(gate.data(), up.data(), static_cast<int64_t>(gate.size()), pool);
  for (size_t i = 0; i < gate.size(); ++i) {
    const double g = before[i], exact = g / (1 + std::exp(-g)) * up[i];
    ASSERT_NEAR(gate[i], exact, 6 * kEpsilon * std::abs(exact) + 0x1p-126) << g;
  }
}

TEST_P(KernelsTest, SiluFarOutVanishesOrStaysNaN) {
  std::vector<float> gate{-88.0f, -100.0f, -1000.0f, NAN, INFINITY, 3e38f};
  const std::vector<float> up(gate.size(), 1.0f);
  ThreadPool pool(1);
  kernels().silu_multiply(gate.data(), up.data(), static_cast<int64_t>(gate.size()), pool);
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(gate[i], 0, 1e-35) << i;
  EXPECT_TRUE(std::isnan(gate[3]));
  EXPECT_EQ(gate[4], INFINITY);
  EXPECT_EQ(gate[5], 3e38f);
}

TEST_P(KernelsTest, SiluGivesTheSameBitsAtAnyPlace) {
  const std::vector<float> values = numbers(1, 100, 8), up = numbers(1, 100, 9);
  ThreadPool pool(1);
  std::vector<float> expected = values;
  kernels().silu_multiply(expected.data(), up.data(), 100, pool);
  for (int64_t begin = 0; begin < 100; ++begin) {
    for (int64_t count : {1, 5, 8, 13}) {
      if (begin + count > 100) continue;
      std::vector<float> part(values.begin() + begin, values.begin() + begin + count);
      kernels().silu_multiply(part.data(), up.data() + begin, count, pool);
      ASSERT_TRUE(same_bits(part.data(), expected.data() + begin, part.size())) << begin;
    }
  }
}

TEST_P(KernelsTest, EmbedTakesTheRowsAsTheyAre) {
  ThreadPool pool(2);
  for (DType dtype : kDTypes) {
    const StoredNumbers stored(numbers(20, 13, 10), dtype);
    const Tensor table = stored.tensor({20, 13});
    const std::vector<int32_t> ids{19, 0, 7, 7};
    std::vector<float> output(4 * 13);
    kernels().embed(Weight::view(table), ids.data(), 4, output.data(), pool);
    for (size_t i = 0; i < output.size(); ++i) {
      ASSERT_EQ(output[i], table.at(ids[i / 13] * 13 + static_cast<int64_t>(i % 13)));
    }
  }
}

}  // namespace
}  // namespace kilotoken
