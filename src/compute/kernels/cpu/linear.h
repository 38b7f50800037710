#pragma once
// Linear in terms of Vec. The arithmetic of an output element, for every number of rows: one vector
// of kLanes float32 sums takes input x weight by FMA, kLanes values at a time in ascending order
// (the last ones filled up with zeros); then Vec::sum. Everything else here is blocking: which
// elements are computed side by side, and when a vector of sums is put aside and taken up again.

#include "compute/kernels/cpu/kernel_mutants.h"
#include "compute/kernels/cpu/load_some.h"
#include "compute/kernels/cpu/ops.h"

namespace kilotoken::cpu {
namespace {

constexpr int64_t kLanes = Vec::kLanes;
constexpr int kTileRows = Vec::kTileRows, kTileOutputs = Vec::kTileOutputs;
constexpr int kTileSums = kTileRows * kTileOutputs;
constexpr int kFewRows = kTileSums / 3;        // leaves a few streams
constexpr int64_t kStreamAhead = 1024;         // bytes; past the end of a weight is only asked for
constexpr int64_t kSlabRows = Vec::kSlabRows;  // input rows x kDepth x 4 bytes, in L2
constexpr int64_t kDepth = Vec::kDepth;        // x kTileOutputs x 4 bytes, in L1
constexpr int64_t kGroup = Vec::kGroupTiles * kTileOutputs;  // whose sums are kept between depths
constexpr int64_t kSumFloats = kSlabRows * kGroup * kLanes;
constexpr int64_t kPanelFloats = kDepth * kTileOutputs;

static_assert(kSlabRows % kTileRows == 0 && kDepth % kLanes == 0);

int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t whole_vectors(const LinearPiece& piece) { return piece.in / kLanes * kLanes; }

// `sums` has taken the whole vectors.
template <typename T>
void finish(const LinearPiece& piece, int64_t row, int64_t output, Vec::F sums) {
  if (const int64_t at = whole_vectors(piece); at < piece.in) {
    const int64_t left = tail_numbers(piece.in - at, kLanes);
    sums = Vec::fma(Vec::load_some(piece.input + row * piece.in + at, left),
                    load_some<T>(piece.weight + (output * piece.in + at) * T::kBytes, left), sums);
  }
  float* to = piece.output + row * piece.out + output;
  const float sum = Vec::sum(sums);
  *to = piece.accumulate ? *to + sum : sum;
}

// kRows, all there are, against weights straight from memory, each read once: kOutputs streams,
// which are `apart` outputs apart.
template <typename T, int kRows, int kOutputs>
void stream_tile(const LinearPiece& piece, int64_t output, int64_t apart) {
  const int64_t row_bytes = piece.in * T::kBytes, end = whole_vectors(piece);
  const char* weight = piece.weight + output * row_bytes;
  Vec::F sums[kRows][kOutputs];
  for (auto& of_row : sums) {
    for (Vec::F& sum : of_row) sum = Vec::zero();
  }
  for (int64_t i = 0; i < end; i += kLanes) {
    Vec::F w[kOutputs];
    for (int o = 0; o < kOutputs; ++o) {
      const char* from = weight + o * apart * row_bytes + i * T::kBytes;
      __builtin_prefetch(from + kStreamAhead, 0, 2);
      w[o] = T::load(from);
    }
    for (int r = 0; r < kRows; ++r) {
      const Vec::F x = Vec::load(piece.input + r * piece.in + i);
      for (int o = 0; o < kOutputs; ++o) sums[r][o] = Vec::fma(x, w[o], sums[r][o]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int o = 0; o < kOutputs; ++o) finish<T>(piece, r, output + o * apart, sums[r][o]);
  }
}

// piece.rows <= kRows.
template <typename T, int kRows>
void few_rows(const LinearPiece& piece) {
  if constexpr (kRows > 1) {
    if (piece.rows < kRows) return few_rows<T, kRows - 1>(piece);
  }
  constexpr int kStreams = kTileSums / kRows < 8 ? kTileSums / kRows : 8;
  const int64_t apart = (piece.end - piece.begin) / kStreams;
  int64_t output = piece.begin;
  for (; output < piece.begin + apart; ++output) {
    stream_tile<T, kRows, kStreams>(piece, output, apart);
  }
  output = piece.begin + apart * kStreams;
  for (; output < piece.end; ++output) stream_tile<T, kRows, 1>(piece, output, 1);
}

// kTileRows rows x kTileOutputs outputs, some inputs of each. The first tile of a panel reads the
// weights as they are stored and leaves them as float32 in the first cache for the others.
template <typename T>
struct Tile {
  const float* rows[kTileRows];       // where these inputs begin
  const char* weights[kTileOutputs];  // where their weights do
  float* panel;  // [depth / lanes][kTileOutputs][lanes]: the weights as float32
  float* kept;   // [kTileRows][kTileOutputs][lanes]: the sums between depths
  // The next panel's weights, of which those of `next_outputs` outputs are asked for meanwhile.
  const char* next;
  int64_t next_outputs, row_bytes;

  template <bool kFirst>
  void add(int64_t depth) const {
    Vec::F sums[kTileRows][kTileOutputs];
    for (int r = 0; r < kTileRows; ++r) {
      for (int o = 0; o < kTileOutputs; ++o) {
        sums[r][o] = Vec::load(kept + (r * kTileOutputs + o) * kLanes);
      }
    }
    float* at = panel;
    for (int64_t i = 0; i < depth; i += kLanes, at += kTileOutputs * kLanes) {
      for (int64_t o = 0; o < next_outputs; ++o) {
        __builtin_prefetch(next + o * row_bytes + i * T::kBytes, 0, 2);
      }
      Vec::F w[kTileOutputs];
      for (int o = 0; o < kTileOutputs; ++o) {
        if constexpr (kFirst) {
          w[o] = T::load(weights[o] + i * T::kBytes);
          Vec::store(at + o * kLanes, w[o]);
        } else {
          w[o] = Vec::load(at + o * kLanes);
        }
      }
      for (int r = 0; r < kTileRows; ++r) {
        const Vec::F x = Vec::load(rows[r] + i);
        for (int o = 0; o < kTileOutputs; ++o) sums[r][o] = Vec::fma(x, w[o], sums[r][o]);
      }
    }
    for (int r = 0; r < kTileRows; ++r) {
      for (int o = 0; o < kTileOutputs; ++o) {
        Vec::store(kept + (r * kTileOutputs + o) * kLanes, sums[r][o]);
      }
    }
  }
};

// One slab of rows against at most kGroup outputs. Rows and outputs that a last tile lacks repeat
// the last one; nobody reads their sums.
template <typename T>
void slab(const LinearPiece& piece, int64_t first_row, int64_t rows, int64_t first_output,
          int64_t outputs) {
  const int64_t row_bytes = piece.in * T::kBytes, end = whole_vectors(piece);
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  const int64_t panels = (outputs + kTileOutputs - 1) / kTileOutputs;
  const int64_t last_row = first_row + rows - 1, last_output = first_output + outputs - 1;
  float* const sums = piece.scratch;
  for (int64_t at = 0; at < panels * tiles * kTileSums; ++at) {
    Vec::store(sums + at * kLanes, Vec::zero());
  }
  Tile<T> tile;
  tile.panel = piece.scratch + kSumFloats;
  tile.row_bytes = row_bytes;
  for (int64_t first = 0; first < end; first += kDepth) {
    const int64_t depth = at_most(kDepth, end - first);
    tile.kept = sums;
    for (int64_t output = first_output; output <= last_output; output += kTileOutputs) {
      for (int o = 0; o < kTileOutputs; ++o) {
        tile.weights[o] =
            piece.weight + at_most(output + o, last_output) * row_bytes + first * T::kBytes;
      }
      const bool same_depth = output + kTileOutputs <= last_output;
      tile.next = same_depth
                      ? piece.weight + (output + kTileOutputs) * row_bytes + first * T::kBytes
                  : first + kDepth < end
                      ? piece.weight + first_output * row_bytes + (first + kDepth) * T::kBytes
                      : piece.weight + (last_output + 1) * row_bytes;
      int64_t due = 0;  // 1 / tiles of the next panel's outputs: as many as a tile has to ask for
      for (int64_t row = first_row; row <= last_row; row += kTileRows) {
        for (int r = 0; r < kTileRows; ++r) {
          tile.rows[r] = piece.input + at_most(row + r, last_row) * piece.in + first;
        }
        tile.next_outputs = 0;
        for (due += kTileOutputs; due >= tiles; due -= tiles) ++tile.next_outputs;
        row == first_row ? tile.template add<true>(depth) : tile.template add<false>(depth);
        tile.next += tile.next_outputs * row_bytes;
        tile.kept += kTileSums * kLanes;
      }
    }
  }
  const float* kept = sums;
  for (int64_t o = 0; o < outputs; o += kTileOutputs) {
    for (int64_t r = 0; r < tiles * kTileRows; ++r) {
      for (int64_t c = 0; c < kTileOutputs; ++c, kept += kLanes) {
        if (r >= rows || o + c >= outputs) continue;
        finish<T>(piece, first_row + r, first_output + o + c, Vec::load(kept));
      }
    }
  }
}

template <typename T>
void linear_of(const LinearPiece& piece) {
  if (piece.rows <= kFewRows) return few_rows<T, kFewRows>(piece);
  // Rows that stay in L2 at their full depth: then sums need not leave L1.
  const int64_t group = piece.rows * piece.in <= kSlabRows * kDepth ? kTileOutputs : kGroup;
  for (int64_t output = piece.begin; output < piece.end; output += group) {
    const int64_t outputs = at_most(group, piece.end - output);
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

constexpr LinearOps kLinearOps{.scratch_floats = kSumFloats + kPanelFloats, .linear = linear};

}  // namespace
}  // namespace kilotoken::cpu
