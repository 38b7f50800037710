#include "measure/eval/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "model/weights/made_weights.h"

namespace kilotoken {
namespace {

TEST(Rounding, Int4HasSixteenValuesOfAGroupZeroAmongThem) {
  std::vector<float> weights;
  for (int i = 0; i < 16; ++i) weights.push_back(static_cast<float>(i - 5) * 0.25f);
  const std::vector<float> on_grid = weights;
  round_channel_int4(weights);
  EXPECT_EQ(weights, on_grid);  // -1.25 .. 2.5 in steps of 0.25: all of them are on the grid
  weights = {-1.25f, 2.5f, 0.1f, 0.13f, -0.38f};
  round_channel_int4(weights);
  EXPECT_EQ(weights, (std::vector<float>{-1.25f, 2.5f, 0.0f, 0.25f, -0.5f}));
}

TEST(Rounding, Int4GroupsHaveScalesOfTheirOwn) {
  std::vector<float> weights(256, 0.01f);
  weights[0] = 15.0f;  // in the first group a step is 1
  round_channel_int4(weights);
  EXPECT_EQ(weights[0], 15.0f);
  EXPECT_EQ(weights[127], 0.0f);
  EXPECT_NEAR(weights[128], 0.01f, 1e-5);
}

TEST(Rounding, OfNothingButZerosIsZero) {
  std::vector<float> weights(130, 0.0f);
  round_channel_int4(weights);
  round_channel_int8(weights);
  EXPECT_EQ(weights, std::vector<float>(130, 0.0f));
}

TEST(Rounding, Int8StepsAreTheLargestOver127) {
  std::vector<float> values{127.0f, -3.4f, 0.6f, 0.5f, 1.5f};
  round_channel_int8(values);
  EXPECT_EQ(values, (std::vector<float>{127.0f, -3.0f, 1.0f, 0.0f, 2.0f}));  // ties to even
}

std::unique_ptr<MadeWeights> two_matrices(DType dtype) {
  auto made = MadeWeights::reserve({{"model.embed_tokens.weight", {2, 4}, dtype},
                                    {"model.layers.0.mlp.up_proj.weight", {2, 4}, dtype},
                                    {"model.norm.weight", {4}, dtype}},
                                   "made")
                  .value();
  for (const std::string& name : made->names()) {
    const auto bytes = made->bytes(name);
    const size_t size = size_of(dtype);
    for (size_t i = 0; i < bytes.size() / size; ++i) {
      store(bytes.data() + i * size, dtype, static_cast<float>(i) + 0.3125f);
    }
  }
  return made;
}

TEST(RoundedWeights, AreTheLinearsAlone) {
  const auto source = two_matrices(DType::kBF16);
  const auto rounded = rounded_weights(*source, Rounding::kInt4).value();
  for (const char* kept : {"model.embed_tokens.weight", "model.norm.weight"}) {
    const Tensor before = *source->find(kept), after = *rounded->find(kept);
    EXPECT_EQ(after.dtype, DType::kBF16);
    EXPECT_EQ(std::memcmp(before.data, after.data, before.bytes()), 0) << kept;
  }
  const Tensor linear = *rounded->find("model.layers.0.mlp.up_proj.weight");
  EXPECT_EQ(linear.dtype, DType::kF32);
  std::vector<float> second{4.3125f, 5.3125f, 6.3125f, 7.3125f};
  round_channel_int4(second);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(linear.at(4 + i), second[static_cast<size_t>(i)]);
}

TEST(RoundedWeights, Int8RefusesWhatItCouldNotTellFromTheHead) {
  const auto result = rounded_weights(*two_matrices(DType::kF32), Rounding::kInt8);
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("is float32"), std::string::npos);
  EXPECT_TRUE(rounded_weights(*two_matrices(DType::kF32), Rounding::kInt4).ok());
}

// Input rows are rounded for float32 weights, and for them alone.
TEST(RoundedKernels, RoundTheRowsOfRoundedWeights) {
  ThreadPool pool(2);
  const std::vector<float> input{127.0f, 0.4f, -0.6f, 2.0f, 0.1f, 0.2f};  // two rows
  const std::vector<float> ones(3, 1.0f);
  std::vector<std::byte> ones16(6);
  for (size_t i = 0; i < 3; ++i) store(ones16.data() + 2 * i, DType::kBF16, 1.0f);
  for (const KernelTable& table : kernel_tables()) {
    if (!table.runs_here) continue;
    const Kernels rounded = rounded_kernels(*table.kernels, Rounding::kInt8);
    float sums[2];
    const Weight of_float32 = Weight::view(Tensor(ones.data(), DType::kF32, {1, 3}));
    const Weight of_bfloat16 = Weight::view(Tensor(ones16.data(), DType::kBF16, {1, 3}));
    rounded.linear({input.data(), of_float32, sums, 2}, pool);
    EXPECT_FLOAT_EQ(sums[0], 126.0f);
    EXPECT_FLOAT_EQ(sums[1], (127.0f + 6.0f + 13.0f) * (2.0f / 127.0f));
    rounded.linear({input.data(), of_bfloat16, sums, 2}, pool);
    EXPECT_FLOAT_EQ(sums[0], 126.8f);
    EXPECT_EQ(rounded_kernels(*table.kernels, Rounding::kInt4).linear, table.kernels->linear);
  }
}

}  // namespace
}  // namespace kilotoken
