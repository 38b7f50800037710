#pragma once
// Kernels: the operations of a forward pass as a table of function pointers, one table per
// instruction set. `reference` is plain C++ and the oracle; every other table starts as its copy,
// so no entry is ever null. Activations are float32, weights and KV stay in their stored type.
//
// Contract ("same bytes"): within one table, what is written for one token is the same sequence of
// roundings for any number of rows, any split over threads and any grouping of sequences. Choosing
// a kernel by row count may change blocking, never the arithmetic of an element.
//
// Each function computes its whole result, in parallel over `pool`.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/threads.h"
#include "compute/kernels/weight.h"
#include "compute/kv/kv_layout.h"
#include "compute/tensor/arena.h"
#include "compute/tensor/tensor.h"

namespace kilotoken {

struct LinearArgs {
  const float* input;    // [rows, in]
  const Weight& weight;  // [out, in]
  float* output;         // [rows, out]
  int64_t rows;
  bool accumulate = false;         // output += instead of =
  Workspace* workspace = nullptr;  // with linear_scratch_bytes() left in it, given back at the end
};

// What one call may take from its workspace, whatever the table and the weight's format.
size_t linear_scratch_bytes(int64_t rows, int64_t in);

struct RopeArgs {
  float* heads;              // [rows, head_count, head_dim], rotated in place
  const int32_t* positions;  // [rows]
  const float* inv_freq;     // [head_dim / 2]
  int64_t rows;
  int head_count;
  int head_dim;
  bool interleaved;  // pairs (2i, 2i+1) as GGUF stores Llama; else (i, i + head_dim/2) as HF does
};

// Consecutive rows of one sequence in a step.
struct SequenceRows {
  int32_t first_row;       // into the step's flat arrays
  int32_t row_count;       // >= 1
  int32_t first_position;  // position of first_row; the following rows have the following positions
  const int32_t* pages;    // block table: page of positions [64 i, 64 i + 64)
};

struct KvWriteArgs {
  const float* keys;    // [rows, kv_heads, head_dim], already rotated
  const float* values;  // [rows, kv_heads, head_dim]
  std::span<const SequenceRows> sequences;
  const KvCache* kv;
  int layer;
};

struct AttentionArgs {
  const float* queries;  // [rows, heads, head_dim], already rotated
  float* output;         // [rows, heads, head_dim]
  std::span<const SequenceRows> sequences;
  const KvCache* kv;  // keys and values of these rows included: written before
  int layer;
  int heads;
  float scale;  // of the scores, usually 1 / sqrt(head_dim)
  int window;   // tokens attended to, the own one included; 0 = all
};

struct Kernels {
  std::string_view name;
  bool packs_bf16;  // whether BF16 weights are packed for it; else it reads them as stored

  // output[r, o] (+)= sum over i of input[r, i] * weight[o, i]
  void (*linear)(const LinearArgs& args, ThreadPool& pool);
  // output[r] = input[r] / sqrt(mean(input[r]^2) + epsilon) * weight
  void (*rms_norm)(const float* input, const Tensor& weight, float epsilon, int64_t rows,
                   float* output, ThreadPool& pool);
  void (*rope)(const RopeArgs& args, ThreadPool& pool);
  void (*kv_write)(const KvWriteArgs& args, ThreadPool& pool);
  // softmax(scale * q k^T) v over positions (p - window, p], each query head on its KV head
  void (*attention)(const AttentionArgs& args, ThreadPool& pool);
  // gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i]
  void (*silu_multiply)(float* gate, const float* up, int64_t count, ThreadPool& pool);
  // output[r] = table[ids[r]] as float32
  void (*embed)(const Weight& table, const int32_t* ids, int64_t rows, float* output,
                ThreadPool& pool);
};

// The plain one, always there.
const Kernels& reference_kernels();

// The tables this build has, best last; each with whether this CPU can run it.
struct KernelTable {
  const Kernels* kernels;
  bool runs_here;
  std::string_view needs;  // CPU features, for messages
  std::string_view lacks;  // the first of them that is missing here; empty where it runs
  bool emulated = false;   // another table's arithmetic without its instructions: only if forced
};
std::span<const KernelTable> kernel_tables();

// The table named `forced` (from KILOTOKEN_ISA), or the last not emulated one that
// this CPU runs when empty. kInvalid for
// an unknown name, kUnsupported where the CPU lacks it; both list what is there.
Result<const Kernels*> select_kernels(std::string_view forced);

}  // namespace kilotoken
