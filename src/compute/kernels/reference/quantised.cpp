// Linears on packed weights in plain code: the oracle of the panel kernels.
//
// INT8 rows: per group scale = largest magnitude / 127, code = x * (127 / largest) to nearest even;
// an exact sum of products of codes; then total = fma(sum, weight scale * row scale, total), groups
// in ascending order. BF16 rows (INT4, exact): per group one float32 sum takes product after
// product; then total = fma(sum, weight scale, total).

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "compute/kernels/reference/linear_rows.h"
#include "compute/kernels/reference/reference.h"

namespace kilotoken::reference {

namespace {

// All rows, rounded. Codes are bytes that lie in 16 bits, whose products every x86 can add up in
// pairs.
struct RoundedRows {
  std::vector<int16_t> codes;     // [rows, in]
  std::vector<float> scales;      // [rows, groups]
  std::vector<FourRows> numbers;  // [rows / 4, in]: four rows side by side, missing ones zero
};

void round_group(const float* from, int64_t count, int16_t* codes, float& scale) {
  constexpr uint32_t kNotFinite = 0x7f800000, kTiny = 0x0d800000;  // 2^-100
  uint32_t most = 0;
  for (int64_t i = 0; i < count; ++i) {
    most = std::max(most, std::bit_cast<uint32_t>(from[i]) & 0x7fffffffu);
  }
  const float largest = std::bit_cast<float>(most);
  if (most <= kTiny || most >= kNotFinite) {
    scale = most <= kTiny ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    std::fill(codes, codes + count, int16_t{0});
    return;
  }
  const float factor = 127.0f / largest;
  scale = largest / 127.0f;
  for (int64_t i = 0; i < count; ++i) {
    codes[i] = static_cast<int16_t>(std::nearbyint(from[i] * factor));
  }
}

RoundedRows round_rows(const LinearArgs& args, int64_t groups, int64_t group, ThreadPool& pool) {
  RoundedRows rounded;
  const int64_t in = args.weight.in();
  const bool bf16 = args.weight.layout().bf16_rows;
  if (bf16) {
    rounded.numbers.resize(static_cast<size_t>((args.rows + 3) / 4 * in), FourRows{});
    pool.run((args.rows + 3) / 4, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t row = 4 * begin; row < std::min(4 * end, args.rows); ++row) {
        FourRows* to = rounded.numbers.data() + row / 4 * in;
        const float* from = args.input + row * in;
        for (int64_t i = 0; i < in; ++i) to[i][row % 4] = to_float(to_bfloat16(from[i]));
      }
    });
    return rounded;
  }
  rounded.codes.resize(static_cast<size_t>(args.rows * in));
  rounded.scales.resize(static_cast<size_t>(args.rows * groups));
  pool.run(args.rows, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t at = begin * groups; at < end * groups; ++at) {
      round_group(args.input + at * group, group, rounded.codes.data() + at * group,
                  rounded.scales[static_cast<size_t>(at)]);
    }
  });
  return rounded;
}

// One output's weights: codes [in] and scales [groups].
struct OutputWeights {
  std::vector<int8_t> read;
  std::vector<int16_t> codes;
  std::vector<float> scales;

  OutputWeights(int64_t in, int64_t groups)
      : read(static_cast<size_t>(in)),
        codes(static_cast<size_t>(in)),
        scales(static_cast<size_t>(groups)) {}

  void take(const Weight& weight, int64_t output) {
    weight.read_codes(output, read.data(), scales.data());
    std::copy(read.begin(), read.end(), codes.begin());
  }
};

// What one output has for the four rows that `rows` points at.
FourRows dot_numbers(const FourRows* rows, const OutputWeights& weight) {
  const auto in = std::ssize(weight.codes), groups = std::ssize(weight.scales);
  const int64_t group = in / groups;
  FourRows totals{};
  for (int64_t g = 0; g < groups; ++g) {
    FourRows sums{};
    for (int64_t i = g * group; i < (g + 1) * group; ++i) {
      sums += rows[i] * static_cast<float>(weight.codes[static_cast<size_t>(i)]);
    }
    const float scale = weight.scales[static_cast<size_t>(g)];
    for (int r = 0; r < 4; ++r) totals[r] = std::fma(sums[r], scale, totals[r]);
  }
  return totals;
}

float dot_codes(const RoundedRows& rounded, const OutputWeights& weight, int64_t row) {
  const auto in = std::ssize(weight.codes), groups = std::ssize(weight.scales);
  const int64_t group = in / groups;
  float total = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const int16_t* x = rounded.codes.data() + row * in + g * group;
    const int16_t* w = weight.codes.data() + g * group;
    int32_t sum = 0;
    for (int64_t i = 0; i < group; ++i) sum += int32_t{x[i]} * int32_t{w[i]};
    const float scale = weight.scales[static_cast<size_t>(g)] *
                        rounded.scales[static_cast<size_t>(row * groups + g)];
    total = std::fma(static_cast<float>(sum), scale, total);
  }
  return total;
}

}  // namespace

void quantised_linear(const LinearArgs& args, ThreadPool& pool) {
  const Weight& weight = args.weight;
  const int64_t in = weight.in(), groups = weight.layout().groups, group = weight.group_inputs();
  KT_CHECK_GE(groups, 1);
  const RoundedRows rounded = round_rows(args, groups, group, pool);
  pool.run(weight.out(), 16, [&](int, int64_t begin, int64_t end) {
    OutputWeights weights(in, groups);
    for (int64_t output = begin; output < end; ++output) {
      weights.take(weight, output);
      for (int64_t row = 0; weight.layout().bf16_rows && row < args.rows; row += 4) {
        const FourRows totals = dot_numbers(rounded.numbers.data() + row / 4 * in, weights);
        for (int64_t r = row; r < std::min(row + 4, args.rows); ++r) {
          store(args, r, output, totals[r - row]);
        }
      }
      for (int64_t row = 0; !weight.layout().bf16_rows && row < args.rows; ++row) {
        store(args, row, output, dot_codes(rounded, weights, row));
      }
    }
  });
}

}  // namespace kilotoken::reference
