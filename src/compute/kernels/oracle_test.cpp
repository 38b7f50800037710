// Every table against outputs of PyTorch operators, in the test data's op_goldens.

#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "compute/kernels/test_support.h"

namespace kilotoken {
namespace {

class OracleTest : public EveryTable {
 protected:
  void SetUp() override {
    EveryTable::SetUp();
    const char* data = std::getenv("KILOTOKEN_TEST_DATA");
    if (data == nullptr) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
    folder_ = std::filesystem::path(data) / "op_goldens";
  }

  // The numbers of a NumPy file, format version 1.0: 10 bytes and a header of the length they end
  // with, then the data, which the test knows to be T in row-major order.
  template <typename T>
  std::vector<T> read(const char* name) const {
    const auto file = MappedFile::open(folder_ / name);
    if (!file.ok()) {
      ADD_FAILURE() << file.error().message;
      return {};
    }
    const auto bytes = (*file)->bytes();
    uint16_t header = 0;
    std::memcpy(&header, bytes.data() + 8, sizeof header);
    const auto numbers = bytes.subspan(size_t{10} + header);
    std::vector<T> values(numbers.size() / sizeof(T));
    std::memcpy(values.data(), numbers.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  std::filesystem::path folder_;
};
INSTANTIATE_TEST_SUITE_P(Tables, OracleTest, testing::Range<size_t>(0, kernel_tables().size()),
                         table_name);

void expect_near(const std::vector<float>& values, const std::vector<float>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_NEAR(values[i], expected[i], 1e-5 + 1e-5 * std::abs(expected[i])) << i;
  }
}

TEST_P(OracleTest, RmsNorm) {
  const auto input = read<float>("rmsnorm_f32_8x128/x.npy");
  const auto weight = read<float>("rmsnorm_f32_8x128/weight.npy");
  const auto expected = read<float>("rmsnorm_f32_8x128/out.npy");
  ASSERT_EQ(expected.size(), 8u * 128);
  std::vector<float> output(expected.size());
  ThreadPool pool(2);
  kernels().rms_norm(input.data(), Tensor(weight.data(), DType::kF32, {128}), 1e-6f, 8,
                     output.data(), pool);
  expect_near(output, expected);
}

// The oracle turns the first 32 of 64 dimensions of each head: those are taken out as heads of 32.
std::vector<float> first_half_heads(const std::vector<float>& heads) {
  std::vector<float> halves;
  for (size_t i = 0; i < heads.size(); ++i) {
    if (i % 64 < 32) halves.push_back(heads[i]);
  }
  return halves;
}

TEST_P(OracleTest, Rope) {
  constexpr int kRotated = 32;
  const auto wide = read<int64_t>("rope_f32_pos_short/positions.npy");
  const std::vector<int32_t> positions(wide.begin(), wide.end());
  std::vector<float> frequencies;
  for (int i = 0; i < kRotated; i += 2) {
    frequencies.push_back(1 / std::pow(10000.0f, static_cast<float>(i) / kRotated));
  }
  ThreadPool pool(2);
  struct Case {
    const char *input, *output;
    int heads;
  };
  for (const Case& c : {Case{"rope_f32_pos_short/q_in.npy", "rope_f32_pos_short/q_out.npy", 4},
                        Case{"rope_f32_pos_short/k_in.npy", "rope_f32_pos_short/k_out.npy", 2}}) {
    std::vector<float> heads = first_half_heads(read<float>(c.input));
    ASSERT_EQ(heads.size(), positions.size() * static_cast<size_t>(c.heads * kRotated));
    kernels().rope({heads.data(), positions.data(), frequencies.data(),
                    static_cast<int64_t>(positions.size()), c.heads, kRotated, false},
                   pool);
    expect_near(heads, first_half_heads(read<float>(c.output)));
  }
}

}  // namespace
}  // namespace kilotoken
