#include "compute/kernels/cpu/table.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/check.h"
#include "compute/kernels/attention_rows.h"
#include "compute/kernels/cpu/floats.h"
#include "compute/kernels/mutants.h"

namespace kilotoken::cpu {

namespace {

constexpr int64_t kPieceOutputs = 24;  // a multiple of the outputs of each tile
constexpr int32_t kBlockRows = 16;

Stored stored_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return Stored::kF32;
    case DType::kF16:
      return Stored::kF16;
    case DType::kBF16:
      return Stored::kBF16;
    case DType::kQ8_0:
    case DType::kQ4_0:
      break;
  }
  check_failed(__FILE__, __LINE__, "dtype is one of the enumerators", "");
}

// Row blocks on KV heads, one after the other, with buffers kept in between. Keys and values of a
// page are widened once for all rows and query heads of the block.
class BlockAttention {
 public:
  BlockAttention(const Ops& ops, const AttentionArgs& args)
      : ops_(ops),
        args_(args),
        spec_(args.kv->spec()),
        group_(args.heads / spec_.kv_heads),
        stride_((spec_.head_dim + ops.lanes - 1) / ops.lanes * ops.lanes),
        keys_(kPageTokens * stride_),
        values_(kPageTokens * stride_),
        queries_(kBlockRows * group_ * stride_),
        outputs_(kBlockRows * group_ * stride_),
        states_(kBlockRows * group_ * 2) {}

  void run(const RowBlock& block, int kv_head) {
    begin(block, kv_head);
    const int32_t last = block.position(block.count - 1);
    const int32_t first = first_attended(block.position(0), args_.window);
    for (int32_t page = first / kPageTokens; page <= last / kPageTokens; ++page) {
      const int32_t start = page * kPageTokens;
      load_page(block, kv_head, start, std::min(kPageTokens, last + 1 - start));
      for (int32_t i = 0; i < block.count; ++i) {
        const int32_t position = block.position(i);
        const int32_t from = std::max(first_attended(position, args_.window) - start, 0);
        const int32_t to = std::min(position + 1 - start, kPageTokens);
        if (from >= to) continue;
        const int32_t cut = mutants::softmax_cut(*block.sequence, start, from, to);
        for (int head = 0; head < group_; ++head) {
          attend(i * group_ + head, from, cut);
          if (cut < to) attend(i * group_ + head, cut, to);
        }
      }
    }
    finish(block, kv_head);
  }

 private:
  // The query heads of row i on this KV head: [group, head_dim].
  int64_t place(const RowBlock& block, int kv_head, int32_t i) const {
    return (int64_t{block.row(i)} * args_.heads + kv_head * group_) * spec_.head_dim;
  }

  void begin(const RowBlock& block, int kv_head) {
    for (int32_t i = 0; i < block.count; ++i) {
      const float* query = args_.queries + place(block, kv_head, i);
      for (int head = 0; head < group_; ++head, query += spec_.head_dim) {
        const int64_t at = i * group_ + head;
        float* padding = std::copy(query, query + spec_.head_dim, queries_.at(at * stride_));
        std::fill(padding, queries_.at((at + 1) * stride_), 0.0f);
        std::fill(outputs_.at(at * stride_), outputs_.at((at + 1) * stride_), 0.0f);
        *states_.at(at * 2) = -std::numeric_limits<float>::infinity();
        *states_.at(at * 2 + 1) = 0;
      }
    }
  }

  void load_page(const RowBlock& block, int kv_head, int32_t start, int32_t count) {
    const int page = block.sequence->pages[start / kPageTokens];
    const auto* keys = reinterpret_cast<const char*>(args_.kv->keys(page, args_.layer, kv_head));
    const auto* values =
        reinterpret_cast<const char*>(args_.kv->values(page, args_.layer, kv_head));
    const Stored stored = stored_of(spec_.dtype);
    ops_.widen(keys, stored, count, spec_.head_dim, keys_.at(0), stride_);
    ops_.widen(values, stored, count, spec_.head_dim, values_.at(0), stride_);
    const int32_t padded = (count + ops_.lanes - 1) / ops_.lanes * ops_.lanes;
    std::fill(keys_.at(count * stride_), keys_.at(padded * stride_), 0.0f);
    for (int32_t slot = 0; slot < count; ++slot) {
      const float* fresh = mutants::fresh_key(*block.sequence, start + slot, kv_head);
      if (fresh != nullptr) std::copy(fresh, fresh + spec_.head_dim, keys_.at(slot * stride_));
    }
  }

  void attend(int64_t at, int32_t from, int32_t to) {
    ops_.attend({.query = queries_.at(at * stride_),
                 .keys = keys_.at(0),
                 .values = values_.at(0),
                 .stride = stride_,
                 .from = from,
                 .to = to,
                 .scale = args_.scale,
                 .state = states_.at(at * 2),
                 .output = outputs_.at(at * stride_)});
  }

  void finish(const RowBlock& block, int kv_head) {
    for (int32_t i = 0; i < block.count; ++i) {
      float* to = args_.output + place(block, kv_head, i);
      for (int head = 0; head < group_; ++head, to += spec_.head_dim) {
        const int64_t at = i * group_ + head;
        const float* from = outputs_.at(at * stride_);
        const float sum = *states_.at(at * 2 + 1);
        for (int d = 0; d < spec_.head_dim; ++d) to[d] = from[d] / sum;
      }
    }
  }

  const Ops& ops_;
  const AttentionArgs& args_;
  const KvSpec& spec_;
  int group_;                 // query heads per KV head
  int64_t stride_;            // head_dim, padded
  Floats keys_, values_;      // [kPageTokens, stride]
  Floats queries_, outputs_;  // [rows of the block, group, stride]
  Floats states_;             // [rows of the block, group, 2]
};

}  // namespace

void run_linear(const LinearOps& ops, const LinearArgs& args, ThreadPool& pool) {
  const Tensor& weight = args.weight.stored();
  pool.run(weight.size(0), kPieceOutputs, [&](int, int64_t begin, int64_t end) {
    ops.linear({.input = args.input,
                .weight = reinterpret_cast<const char*>(weight.data),
                .stored = stored_of(weight.dtype),
                .output = args.output,
                .rows = args.rows,
                .in = weight.size(1),
                .out = weight.size(0),
                .begin = begin,
                .end = end,
                .accumulate = args.accumulate,
                .scratch = thread_floats(args.rows > 1 ? ops.scratch_floats : 0)});
  });
}

void run_attention(const Ops& ops, const AttentionArgs& args, ThreadPool& pool) {
  const int kv_heads = args.kv->spec().kv_heads;
  KT_CHECK_EQ(args.heads % kv_heads, 0);
  const std::vector<RowBlock> blocks = row_blocks(args.sequences, kBlockRows);
  const auto count = static_cast<int64_t>(blocks.size()) * kv_heads;
  pool.run(count, 1, [&](int, int64_t begin, int64_t end) {
    BlockAttention attention(ops, args);
    for (int64_t work = begin; work < end; ++work) {
      attention.run(blocks[static_cast<size_t>(work / kv_heads)],
                    static_cast<int>(work % kv_heads));
    }
  });
}

void run_silu_multiply(const Ops& ops, float* gate, const float* up, int64_t count,
                       ThreadPool& pool) {
  pool.run(count, 4096, [&](int, int64_t begin, int64_t end) {
    ops.silu_multiply(gate + begin, up + begin, end - begin);
  });
}

}  // namespace kilotoken::cpu
