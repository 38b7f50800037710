#include "compute/quant/formats.h"

#include <gtest/gtest.h>

#include <vector>

namespace kilotoken {
namespace {

// Codes of a group that begins with `weights`; the rest are zeros.
std::vector<int> codes_of(WeightFormat format, std::vector<float> weights, float scale) {
  const FormatRow& row = row_of(format);
  const size_t count = weights.size();
  weights.resize(row.group == 0 ? 128 : static_cast<size_t>(row.group));
  std::vector<int8_t> codes(weights.size());
  EXPECT_EQ(row.quantise(weights, codes.data()), scale) << row.name;
  return {codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(count)};
}

constexpr float kBelowHalf = 0x1.fffffep-2f;

TEST(Formats, Int8RoundsTiesToEven) {
  EXPECT_EQ(codes_of(WeightFormat::kInt8,
                     {127, -127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, kBelowHalf, 126.5f}, 1.0f),
            (std::vector<int>{127, -127, 0, 2, 2, 0, -2, 0, 126}));
}

TEST(Formats, Int4CutsWhatHasNoOpposite) {
  EXPECT_EQ(codes_of(WeightFormat::kInt4, {7.5f, -7.5f, 0.5f, 1.5f, -2.5f, 6.5f, kBelowHalf}, 1.0f),
            (std::vector<int>{7, -8, 0, 2, -2, 6, 0}));
}

TEST(Formats, Q8RoundsTiesAwayFromZero) {
  EXPECT_EQ(codes_of(WeightFormat::kQ8_0,
                     {-127, 0.5f, 1.5f, 2.5f, -0.5f, -2.5f, kBelowHalf, -kBelowHalf}, 1.0f),
            (std::vector<int>{-127, 1, 2, 3, -1, -3, 0, 0}));
}

TEST(Formats, Q4TakesTheSignOfTheFirstLargest) {
  EXPECT_EQ(codes_of(WeightFormat::kQ4_0, {1, 8, -8, 7.75f, -0.5f}, -1.0f),
            (std::vector<int>{-1, -8, 7, -8, 1}));
  EXPECT_EQ(codes_of(WeightFormat::kQ4_0, {-8, 8, 0.5f, -0.5f}, 1.0f),
            (std::vector<int>{-8, 7, 1, 0}));
}

}  // namespace
}  // namespace kilotoken
