#include "compute/kernels/weight.h"

#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

TEST(Weight, PackedBFloat16ReadsBackAsStored) {
  ThreadPool pool(3);
  for (const int64_t in : {1, 31, 32, 77}) {
    const StoredNumbers stored(numbers(37, in, 1), DType::kBF16);
    const Tensor tensor = stored.tensor({37, in});
    const Weight weight = Weight::pack(tensor, WeightFormat::kBF16, false, pool).value();
    std::vector<float> row(static_cast<size_t>(in));
    for (int64_t o = 0; o < 37; ++o) {
      weight.read_row(o, row.data());
      for (int64_t i = 0; i < in; ++i) {
        ASSERT_EQ(row[static_cast<size_t>(i)], tensor.at(o * in + i));
      }
    }
  }
}

// Blocks with every kind of code, read by Tensor::at and from panels.
TEST(Weight, PackedBlocksReadBackAsStored) {
  ThreadPool pool(2);
  std::mt19937 random(1);
  for (const DType dtype : {DType::kQ8_0, DType::kQ4_0}) {
    std::vector<std::byte> bytes(bytes_of(dtype, 19 * 96));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const size_t block = bytes_of(dtype, kBlockNumbers);
    for (size_t at = 0; at < bytes.size(); at += block) {
      store(bytes.data() + at, DType::kF16, static_cast<float>(random() % 1000) * 1e-3f);
    }
    const Tensor tensor(bytes.data(), dtype, {19, 96});
    const Weight weight = Weight::pack(tensor, format_of(dtype), false, pool).value();
    std::vector<float> row(96);
    for (int64_t o = 0; o < 19; ++o) {
      weight.read_row(o, row.data());
      for (int64_t i = 0; i < 96; ++i) {
        ASSERT_EQ(row[static_cast<size_t>(i)], tensor.at(o * 96 + i)) << o << " " << i;
      }
    }
  }
}

TEST(Weight, QuantisedOnesAreWithinHalfAStep) {
  ThreadPool pool(2);
  const std::vector<float> values = numbers(20, 256, 1, 1);
  const StoredNumbers stored(values, DType::kF32);
  const Tensor tensor = stored.tensor({20, 256});
  const std::pair<WeightFormat, float> formats[] = {{WeightFormat::kInt8, 127.0f},
                                                    {WeightFormat::kInt4, 7.5f},
                                                    {WeightFormat::kQ8_0, 127.0f},
                                                    {WeightFormat::kQ4_0, 8.0f}};
  for (const auto& [format, steps] : formats) {
    const Weight weight = Weight::pack(tensor, format, false, pool).value();
    std::vector<float> row(256);
    for (int64_t o = 0; o < 20; ++o) {
      weight.read_row(o, row.data());
      const float* from = values.data() + o * 256;
      for (int64_t i = 0; i < 256; ++i) {
        const int64_t group = weight.group_inputs(), first = i / group * group;
        float largest = 0;
        for (int64_t k = first; k < first + group; ++k) {
          largest = std::max(largest, std::fabs(from[k]));
        }
        // Half a step; at the end of the range that has no opposite, a whole one. Scales of Q8_0
        // and Q4_0 are rounded to float16.
        const float step = largest / steps;
        ASSERT_NEAR(row[static_cast<size_t>(i)], from[i], 1.002f * step + largest * 1e-3f)
            << row_of(format).name;
        if (std::fabs(from[i]) < 0.8f * largest) {
          ASSERT_NEAR(row[static_cast<size_t>(i)], from[i], 0.502f * step + largest * 1e-3f)
              << row_of(format).name;
        }
      }
    }
  }
}

TEST(Weight, AllZeroGroupsAreZero) {
  ThreadPool pool(1);
  const std::vector<float> zeros(256, 0.0f);
  const Tensor tensor(zeros.data(), DType::kF32, {1, 256});
  for (const FormatRow& row : format_rows()) {
    if (row.plain()) continue;
    const Weight weight = Weight::pack(tensor, row.format, false, pool).value();
    std::vector<float> back(256, 1.0f);
    weight.read_row(0, back.data());
    EXPECT_EQ(back, zeros) << row.name;
  }
}

TEST(Weight, RefusesWhatIsNotFiniteAndSaysWhere) {
  ThreadPool pool(2);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    std::vector<float> values(40 * 128, 0.5f);
    values[23 * 128 + 77] = bad;
    const StoredNumbers bf16(values, DType::kBF16);
    const Tensor plain(values.data(), DType::kF32, {40, 128});
    for (const FormatRow& row : format_rows()) {
      if (row.plain()) continue;
      const auto result = Weight::pack(plain, row.format, false, pool);
      ASSERT_FALSE(result.ok()) << row.name;
      EXPECT_NE(result.error().message.find("row 23 "), std::string::npos) << row.name;
    }
    EXPECT_FALSE(Weight::pack(bf16.tensor({40, 128}), WeightFormat::kBF16, false, pool).ok());
    const auto checked = check_finite(plain, pool);
    ASSERT_FALSE(checked.ok());
    EXPECT_NE(checked.error().message.find("row 23 "), std::string::npos);
  }
  // A float16 scale that the weights are too large for.
  const std::vector<float> large(32, 1e9f);
  const Tensor tensor(large.data(), DType::kF32, {1, 32});
  EXPECT_FALSE(Weight::pack(tensor, WeightFormat::kQ8_0, false, pool).ok());
}

}  // namespace
}  // namespace kilotoken
