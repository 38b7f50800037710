#pragma once
// Linear in terms of Vec. The arithmetic of an output element, for every number of rows: one vector
// of kLanes float32 sums takes input x weight by FMA, kLanes values at a time in ascending order
// (the last ones filled up with zeros); then Vec::sum. Everything else here is blocking: which
// elements are computed side by side, and when a vector of sums is put aside and taken up again.

#include "compute/kernels/cpu/kernel_mutants.h"
#include "compute/kernels/cpu/ops.h"

namespace kilotoken::cpu {
namespace {

constexpr int64_t kLanes = Vec::kLanes;
constexpr int kTileRows = Vec::kTileRows, kTileOutputs = Vec::kTileOutputs;
constexpr int64_t kDirectRows = 8;            // up to here each weight is used but once or twice
constexpr int64_t kSlabRows = 64;             // input rows x kDepth x 4 bytes: half a 512 KiB L2
constexpr int64_t kDepth = 1024;              // weights of a panel: 12 KiB, in L1
constexpr int64_t kGroup = 8 * kTileOutputs;  // outputs whose sums are kept between depths
constexpr int64_t kSumFloats = kSlabRows * kGroup * kLanes;
constexpr int64_t kPanelFloats = kDepth * kTileOutputs;

int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

void finish(const LinearPiece& piece, int64_t row, int64_t output, Vec::F sums) {
  float* to = piece.output + row * piece.out + output;
  const float sum = Vec::sum(sums);
  *to = piece.accumulate ? *to + sum : sum;
}

// Few rows: the weights come straight from memory, each once.
template <typename T, int kRows, int kOutputs>
void direct_tile(const LinearPiece& piece, int64_t row, int64_t output) {
  const int64_t row_bytes = piece.in * T::kBytes;
  const float* input = piece.input + row * piece.in;
  const char* weight = piece.weight + output * row_bytes;
  Vec::F sums[kRows][kOutputs];
  for (auto& of_row : sums) {
    for (Vec::F& sum : of_row) sum = Vec::zero();
  }
  const char* next = weight + kOutputs * row_bytes;  // the weights after these
  int64_t i = 0;
  for (; i + kLanes <= piece.in; i += kLanes) {
    for (int64_t line = 0; line < kOutputs * kLanes * T::kBytes; line += 64) {
      __builtin_prefetch(next + kOutputs * i * T::kBytes + line);
    }
    Vec::F x[kRows];
    for (int r = 0; r < kRows; ++r) x[r] = Vec::load(input + r * piece.in + i);
    for (int o = 0; o < kOutputs; ++o) {
      const Vec::F w = T::load(weight + o * row_bytes + i * T::kBytes);
      for (int r = 0; r < kRows; ++r) sums[r][o] = Vec::fma(x[r], w, sums[r][o]);
    }
  }
  if (i < piece.in) {
    const int64_t left = tail_numbers(piece.in - i, kLanes);
    for (int o = 0; o < kOutputs; ++o) {
      const Vec::F w = T::load_some(weight + o * row_bytes + i * T::kBytes, left);
      for (int r = 0; r < kRows; ++r) {
        sums[r][o] = Vec::fma(Vec::load_some(input + r * piece.in + i, left), w, sums[r][o]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) finish(piece, row + r, output + o, sums[r][o]);
  }
}

template <typename T>
void one_row(const LinearPiece& piece) {
  int64_t output = piece.begin;
  for (; output + 8 <= piece.end; output += 8) direct_tile<T, 1, 8>(piece, 0, output);
  for (; output < piece.end; ++output) direct_tile<T, 1, 1>(piece, 0, output);
}

// All rows against kOutputs outputs, whose weights stay in the first cache meanwhile.
template <typename T, int kOutputs>
void direct_rows(const LinearPiece& piece, int64_t output) {
  int64_t row = 0;
  for (; row + 4 <= piece.rows; row += 4) direct_tile<T, 4, kOutputs>(piece, row, output);
  if (piece.rows - row == 3) direct_tile<T, 3, kOutputs>(piece, row, output);
  if (piece.rows - row == 2) direct_tile<T, 2, kOutputs>(piece, row, output);
  if (piece.rows - row == 1) direct_tile<T, 1, kOutputs>(piece, row, output);
}

template <typename T>
void few_rows(const LinearPiece& piece) {
  int64_t output = piece.begin;
  for (; output + kTileOutputs <= piece.end; output += kTileOutputs) {
    direct_rows<T, kTileOutputs>(piece, output);
  }
  for (; output < piece.end; ++output) direct_rows<T, 1>(piece, output);
}

// Weights [output, output + count) x [first, first + depth) as float32: [depth /
// lanes][count][lanes].
template <typename T>
void fill_panel(const LinearPiece& piece, int64_t output, int count, int64_t first, int64_t depth,
                float* panel) {
  for (int o = 0; o < count; ++o) {
    const char* from = piece.weight + ((output + o) * piece.in + first) * T::kBytes;
    float* to = panel + o * kLanes;
    int64_t i = 0;
    for (; i + kLanes <= depth; i += kLanes, to += count * kLanes) {
      Vec::store(to, T::load(from + i * T::kBytes));
    }
    if (i < depth) Vec::store(to, T::load_some(from + i * T::kBytes, depth - i));
  }
}

// kRows rows against a panel; `kept` holds the sums [kRows][kOutputs][lanes] between depths.
template <int kRows, int kOutputs>
void panel_tile(const float* input, int64_t row_stride, int64_t depth, const float* panel,
                float* kept, bool fresh) {
  Vec::F sums[kRows][kOutputs];
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) {
      sums[r][o] = fresh ? Vec::zero() : Vec::load(kept + (r * kOutputs + o) * kLanes);
    }
  }
  int64_t i = 0;
  for (; i + kLanes <= depth; i += kLanes, panel += kOutputs * kLanes) {
    Vec::F w[kOutputs];
    for (int o = 0; o < kOutputs; ++o) w[o] = Vec::load(panel + o * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const Vec::F x = Vec::load(input + r * row_stride + i);
      for (int o = 0; o < kOutputs; ++o) sums[r][o] = Vec::fma(x, w[o], sums[r][o]);
    }
  }
  if (i < depth) {
    for (int r = 0; r < kRows; ++r) {
      const Vec::F x = Vec::load_some(input + r * row_stride + i, depth - i);
      for (int o = 0; o < kOutputs; ++o) {
        sums[r][o] = Vec::fma(x, Vec::load(panel + o * kLanes), sums[r][o]);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) Vec::store(kept + (r * kOutputs + o) * kLanes, sums[r][o]);
  }
}

using PanelTile = void (*)(const float*, int64_t, int64_t, const float*, float*, bool);
static_assert(kTileRows == 4 && kTileOutputs == 3, "the table of tiles below has this shape");
constexpr PanelTile kPanelTiles[kTileRows][kTileOutputs] = {
    {panel_tile<1, 1>, panel_tile<1, 2>, panel_tile<1, 3>},
    {panel_tile<2, 1>, panel_tile<2, 2>, panel_tile<2, 3>},
    {panel_tile<3, 1>, panel_tile<3, 2>, panel_tile<3, 3>},
    {panel_tile<4, 1>, panel_tile<4, 2>, panel_tile<4, 3>},
};

// Where the sums of a tile are kept: tiles of one slab and panel lie one after the other.
float* kept_sums(float* sums, int64_t output, int64_t row, int outputs) {
  return sums + (output * kSlabRows + row * outputs) * kLanes;
}

// One slab of rows against at most kGroup outputs.
template <typename T>
void slab(const LinearPiece& piece, int64_t first_row, int64_t rows, int64_t first_output,
          int64_t outputs) {
  float* sums = piece.scratch;
  float* panel = piece.scratch + kSumFloats;
  for (int64_t first = 0; first < piece.in; first += kDepth) {
    const int64_t depth = at_most(kDepth, piece.in - first);
    for (int64_t o = 0; o < outputs; o += kTileOutputs) {
      const int count = static_cast<int>(at_most(kTileOutputs, outputs - o));
      fill_panel<T>(piece, first_output + o, count, first, depth, panel);
      for (int64_t r = 0; r < rows; r += kTileRows) {
        const int64_t tile_rows = at_most(kTileRows, rows - r);
        const float* input = piece.input + (first_row + r) * piece.in + first;
        kPanelTiles[tile_rows - 1][count - 1](input, piece.in, depth, panel,
                                              kept_sums(sums, o, r, count), first == 0);
      }
    }
  }
  for (int64_t o = 0; o < outputs; o += kTileOutputs) {
    const int count = static_cast<int>(at_most(kTileOutputs, outputs - o));
    const float* kept = kept_sums(sums, o, 0, count);
    for (int64_t r = 0; r < rows; ++r) {
      for (int c = 0; c < count; ++c, kept += kLanes) {
        finish(piece, first_row + r, first_output + o + c, Vec::load(kept));
      }
    }
  }
}

template <typename T>
void linear_of(const LinearPiece& piece) {
  if (piece.rows == 1) return one_row<T>(piece);
  if (piece.rows <= kDirectRows) return few_rows<T>(piece);
  for (int64_t output = piece.begin; output < piece.end; output += kGroup) {
    const int64_t outputs = at_most(kGroup, piece.end - output);
    for (int64_t row = 0; row < piece.rows; row += kSlabRows) {
      slab<T>(piece, row, at_most(kSlabRows, piece.rows - row), output, outputs);
    }
  }
}

void linear(const LinearPiece& piece) {
  switch (piece.stored) {
    case Stored::kF32:
      return linear_of<Vec::F32>(piece);
    case Stored::kF16:
      return linear_of<Vec::F16>(piece);
    case Stored::kBF16:
      return linear_of<Vec::BF16>(piece);
  }
}

}  // namespace
}  // namespace kilotoken::cpu
