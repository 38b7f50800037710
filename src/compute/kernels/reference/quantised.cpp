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
#include "compute/kernels/reference/reference.h"

namespace kilotoken::reference {

namespace {

// All rows, rounded: [rows, in] and [rows, groups].
struct RoundedRows {
  std::vector<int8_t> codes;
  std::vector<float> scales, numbers;
};

void round_group(const float* from, int64_t count, int8_t* codes, float& scale) {
  constexpr uint32_t kNotFinite = 0x7f800000, kTiny = 0x0d800000;  // 2^-100
  uint32_t most = 0;
  for (int64_t i = 0; i < count; ++i) {
    most = std::max(most, std::bit_cast<uint32_t>(from[i]) & 0x7fffffffu);
  }
  const float largest = std::bit_cast<float>(most);
  if (most <= kTiny || most >= kNotFinite) {
    scale = most <= kTiny ? 0.0f : std::numeric_limits<float>::quiet_NaN();
    std::fill(codes, codes + count, int8_t{0});
    return;
  }
  const float factor = 127.0f / largest;
  scale = largest / 127.0f;
  for (int64_t i = 0; i < count; ++i) {
    codes[i] = static_cast<int8_t>(std::nearbyint(from[i] * factor));
  }
}

RoundedRows round_rows(const LinearArgs& args, int64_t groups, int64_t group, ThreadPool& pool) {
  RoundedRows rounded;
  const int64_t in = args.weight.in();
  const bool bf16 = args.weight.layout().bf16_rows;
  const auto count = static_cast<size_t>(args.rows * in);
  rounded.numbers.resize(bf16 ? count : 0);
  rounded.codes.resize(bf16 ? 0 : count);
  rounded.scales.resize(static_cast<size_t>(bf16 ? 0 : args.rows * groups));
  pool.run(args.rows, 1, [&](int, int64_t begin, int64_t end) {
    for (int64_t at = begin * in; bf16 && at < end * in; ++at) {
      rounded.numbers[static_cast<size_t>(at)] = to_float(to_bfloat16(args.input[at]));
    }
    for (int64_t at = begin * groups; !bf16 && at < end * groups; ++at) {
      round_group(args.input + at * group, group, rounded.codes.data() + at * group,
                  rounded.scales[static_cast<size_t>(at)]);
    }
  });
  return rounded;
}

}  // namespace

void quantised_linear(const LinearArgs& args, ThreadPool& pool) {
  const Weight& weight = args.weight;
  const int64_t in = weight.in(), groups = weight.layout().groups, group = weight.group_inputs();
  KT_CHECK_GE(groups, 1);
  const bool bf16 = weight.layout().bf16_rows;
  const RoundedRows rounded = round_rows(args, groups, group, pool);
  pool.run(weight.out(), 16, [&](int, int64_t begin, int64_t end) {
    std::vector<int8_t> codes(static_cast<size_t>(in));
    std::vector<float> scales(static_cast<size_t>(groups));
    for (int64_t output = begin; output < end; ++output) {
      weight.read_codes(output, codes.data(), scales.data());
      for (int64_t row = 0; row < args.rows; ++row) {
        float total = 0;
        for (int64_t g = 0; g < groups; ++g) {
          const int8_t* w = codes.data() + g * group;
          const int64_t first = row * in + g * group;
          if (bf16) {
            float sum = 0;
            const float* x = rounded.numbers.data() + first;
            for (int64_t i = 0; i < group; ++i) sum += x[i] * static_cast<float>(w[i]);
            total = std::fma(sum, scales[static_cast<size_t>(g)], total);
          } else {
            int32_t sum = 0;
            const int8_t* x = rounded.codes.data() + first;
            for (int64_t i = 0; i < group; ++i) sum += int32_t{x[i]} * int32_t{w[i]};
            const float scale = scales[static_cast<size_t>(g)] *
                                rounded.scales[static_cast<size_t>(row * groups + g)];
            total = std::fma(static_cast<float>(sum), scale, total);
          }
        }
        float& to = args.output[row * weight.out() + output];
        to = args.accumulate ? to + total : total;
      }
    }
  });
}

}  // namespace kilotoken::reference
