#pragma once
// For the tests of kernels: every table of the build in turn, and numbers to feed it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "compute/kernels/kernels.h"
#include "compute/kernels/stored.h"

namespace kilotoken {

inline constexpr double kEpsilon = 0x1p-24;  // half a unit in the last place of 1.0f

// A test for each table; one that this machine cannot run is skipped and says why.
class EveryTable : public testing::TestWithParam<size_t> {
 protected:
  void SetUp() override {
    const KernelTable& table = kernel_tables()[GetParam()];
    if (!table.runs_here) {
      GTEST_SKIP() << "table " << table.kernels->name << " could not run: it needs " << table.needs
                   << ", and this machine lacks " << table.lacks;
    }
  }
  const Kernels& kernels() const { return *kernel_tables()[GetParam()].kernels; }
};

inline std::string table_name(const testing::TestParamInfo<size_t>& info) {
  std::string name(kernel_tables()[info.param].kernels->name);
  std::replace(name.begin(), name.end(), '-', '_');  // Google Test's names have no hyphens
  return name;
}

// Values of about unit size; one channel in a hundred is 30 times larger, as in trained models.
inline std::vector<float> numbers(int64_t rows, int64_t channels, uint32_t seed,
                                  float outlier = 30) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<size_t>(rows * channels));
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i % static_cast<size_t>(channels);
    values[i] = normal(random) * (channel % 100 == 7 ? outlier : 1);
  }
  return values;
}

// The values in a stored type, one byte off any alignment.
class StoredNumbers {
 public:
  StoredNumbers(const std::vector<float>& values, DType dtype) : dtype_(dtype) {
    bytes_.resize(1 + values.size() * size_of(dtype));
    with_stored_type(dtype, [&]<typename T>(T) {
      for (size_t i = 0; i < values.size(); ++i) {
        const T value = round_to<T>(values[i]);
        std::memcpy(bytes_.data() + 1 + i * sizeof(T), &value, sizeof(T));
      }
    });
  }
  Tensor tensor(std::initializer_list<int64_t> shape) const {
    return Tensor(bytes_.data() + 1, dtype_, shape);
  }

 private:
  DType dtype_;
  std::vector<std::byte> bytes_;
};

inline bool same_bits(const float* a, const float* b, size_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

}  // namespace kilotoken
