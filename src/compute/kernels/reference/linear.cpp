// output[r, o] is one float32 accumulator that takes input[r, i] * weight[o, i] for i = 0, 1, 2,
// ... (rounded product, then rounded sum). Rows are laid side by side so that the compiler can use
// vector instructions across rows, which leaves each element's chain as it is.

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"
#include "compute/kernels/reference/linear_rows.h"
#include "compute/kernels/reference/reference.h"
#include "compute/kernels/stored.h"

namespace kilotoken::reference {

namespace {

constexpr int kBlockRows = 16;
constexpr int64_t kPanelOutputs = 16;  // work of one piece

// One row, several outputs at once: independent chains that the CPU can overlap.
template <typename T, int kOutputs>
void one_row(const LinearArgs& args, int64_t row, int64_t output) {
  const int64_t in = args.weight.in();
  const float* input = args.input + row * in;
  const std::byte* weight =
      args.weight.stored().data + static_cast<size_t>(output * in) * sizeof(T);
  std::array<float, kOutputs> sums{};
  for (int64_t i = 0; i < in; ++i) {
    for (int o = 0; o < kOutputs; ++o) sums[o] += input[i] * load_stored<T>(weight, o * in + i);
  }
  for (int o = 0; o < kOutputs; ++o) store(args, row, output + o, sums[o]);
}

template <typename T>
void one_row_outputs(const LinearArgs& args, int64_t row, int64_t begin, int64_t end) {
  int64_t output = begin;
  for (; output + 8 <= end; output += 8) one_row<T, 8>(args, row, output);
  for (; output < end; ++output) one_row<T, 1>(args, row, output);
}

// The rows of one block side by side; missing rows are zero.
struct PackedRows {
  int64_t first_row;
  int64_t row_count;
  int width;                  // 4, 8 or 16
  std::vector<float> values;  // [in, width]
};

PackedRows pack_rows(const LinearArgs& args, int64_t first_row) {
  PackedRows packed;
  packed.first_row = first_row;
  packed.row_count = std::min<int64_t>(kBlockRows, args.rows - first_row);
  packed.width = packed.row_count > 8 ? 16 : packed.row_count > 4 ? 8 : 4;
  const int64_t in = args.weight.in();
  packed.values.resize(static_cast<size_t>(in * packed.width));
  for (int64_t r = 0; r < packed.row_count; ++r) {
    const float* input = args.input + (first_row + r) * in;
    for (int64_t i = 0; i < in; ++i) {
      packed.values[static_cast<size_t>(i * packed.width + r)] = input[i];
    }
  }
  return packed;
}

FourRows load_four(const float* from) {
  FourRows four;
  std::memcpy(&four, from, sizeof four);
  return four;
}

// kWidth rows against kOutputs outputs; `packed` is [in, kWidth].
template <typename T, int kWidth, int kOutputs>
void row_block(const LinearArgs& args, const PackedRows& packed, int64_t output) {
  constexpr int kFours = kWidth / 4;
  const int64_t in = args.weight.in();
  const std::byte* weight =
      args.weight.stored().data + static_cast<size_t>(output * in) * sizeof(T);
  const float* inputs = packed.values.data();
  FourRows sums[kOutputs][kFours] = {};
  for (int64_t i = 0; i < in; ++i, inputs += kWidth) {
    for (int o = 0; o < kOutputs; ++o) {
      const float w = load_stored<T>(weight, o * in + i);
      for (int four = 0; four < kFours; ++four) sums[o][four] += load_four(inputs + 4 * four) * w;
    }
  }
  for (int o = 0; o < kOutputs; ++o) {
    for (int r = 0; r < packed.row_count; ++r) {
      store(args, packed.first_row + r, output + o, sums[o][r / 4][r % 4]);
    }
  }
}

// As many outputs at once as keep the CPU busy: eight independent chains.
template <typename T, int kWidth>
void row_block_outputs(const LinearArgs& args, const PackedRows& packed, int64_t begin,
                       int64_t end) {
  constexpr int kOutputs = 32 / kWidth;
  int64_t output = begin;
  for (; output + kOutputs <= end; output += kOutputs) {
    row_block<T, kWidth, kOutputs>(args, packed, output);
  }
  for (; output < end; ++output) row_block<T, kWidth, 1>(args, packed, output);
}

template <typename T>
void packed_outputs(const LinearArgs& args, const PackedRows& packed, int64_t begin, int64_t end) {
  if (packed.width == 16) return row_block_outputs<T, 16>(args, packed, begin, end);
  if (packed.width == 8) return row_block_outputs<T, 8>(args, packed, begin, end);
  row_block_outputs<T, 4>(args, packed, begin, end);
}

}  // namespace

void linear(const LinearArgs& args, ThreadPool& pool) {
  if (args.weight.packed()) return quantised_linear(args, pool);
  const int64_t block_count = (args.rows + kBlockRows - 1) / kBlockRows;
  std::vector<PackedRows> blocks;
  if (args.rows > 1) {
    blocks.resize(static_cast<size_t>(block_count));
    pool.run(block_count, 1, [&](int, int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        blocks[static_cast<size_t>(b)] = pack_rows(args, b * kBlockRows);
      }
    });
  }
  with_stored_type(args.weight.stored().dtype, [&]<typename T>(T) {
    pool.run(args.weight.out(), kPanelOutputs, [&](int, int64_t begin, int64_t end) {
      if (args.rows == 1) return one_row_outputs<T>(args, 0, begin, end);
      for (const PackedRows& packed : blocks) packed_outputs<T>(args, packed, begin, end);
    });
  });
}

}  // namespace kilotoken::reference
