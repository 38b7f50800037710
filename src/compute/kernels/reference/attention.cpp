// Attention page by page with a running softmax (Milakov and Gimelshein, "Online normalizer
// calculation for softmax", arXiv:1805.02867). A page is one block of the softmax. Pages come in
// ascending position; scores, sums and values are added in ascending dimension and position. So
// what one row and head computes follows from its position, the window and the pages alone.

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/check.h"
#include "compute/kernels/attention_rows.h"
#include "compute/kernels/mutants.h"
#include "compute/kernels/reference/reference.h"
#include "compute/kernels/stored.h"

namespace kilotoken::reference {

namespace {

constexpr int32_t kBlockRows = 16;

// The softmax of one row and query head so far.
struct Running {
  float max = -std::numeric_limits<float>::infinity();
  float sum = 0;
};

// The state of one row block on one KV head: buffers kept from block to block.
class BlockAttention {
 public:
  explicit BlockAttention(const AttentionArgs& args)
      : args_(args),
        spec_(args.kv->spec()),
        group_(args.heads / spec_.kv_heads),
        keys_(static_cast<size_t>(spec_.head_dim) * kPageTokens),
        values_(static_cast<size_t>(spec_.head_dim) * kPageTokens),
        running_(static_cast<size_t>(kBlockRows * group_)) {}

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
          attend(block, kv_head, i, head, from, cut);
          if (cut < to) attend(block, kv_head, i, head, cut, to);
        }
      }
    }
    finish(block, kv_head);
  }

 private:
  int64_t place(const RowBlock& block, int kv_head, int32_t i, int head) const {
    const int64_t row = block.row(i);
    return (row * args_.heads + kv_head * group_ + head) * spec_.head_dim;
  }
  Running& running(int32_t i, int head) { return running_[static_cast<size_t>(i * group_ + head)]; }

  void begin(const RowBlock& block, int kv_head) {
    for (int32_t i = 0; i < block.count; ++i) {
      for (int head = 0; head < group_; ++head) {
        running(i, head) = Running{};
        float* output = args_.output + place(block, kv_head, i, head);
        std::fill(output, output + spec_.head_dim, 0.0f);
      }
    }
  }

  // The first `count` slots of a page as float32: keys as [head_dim, slots], values as stored.
  void load_page(const RowBlock& block, int kv_head, int32_t start, int32_t count) {
    const int page = block.sequence->pages[start / kPageTokens];
    const std::byte* keys = args_.kv->keys(page, args_.layer, kv_head);
    const std::byte* values = args_.kv->values(page, args_.layer, kv_head);
    const int size = spec_.head_dim;
    with_stored_type(spec_.dtype, [&]<typename T>(T) {
      for (int32_t slot = 0; slot < count; ++slot) {
        const float* fresh = mutants::fresh_key(*block.sequence, start + slot, kv_head);
        for (int d = 0; d < size; ++d) {
          keys_[static_cast<size_t>(d * kPageTokens + slot)] =
              fresh != nullptr ? fresh[d] : load_stored<T>(keys, slot * size + d);
          values_[static_cast<size_t>(slot * size + d)] = load_stored<T>(values, slot * size + d);
        }
      }
    });
  }

  // Takes slots [from, to) of the loaded page into the softmax of one row and head.
  void attend(const RowBlock& block, int kv_head, int32_t i, int head, int32_t from, int32_t to) {
    const float* query = args_.queries + place(block, kv_head, i, head);
    float* output = args_.output + place(block, kv_head, i, head);
    std::array<float, kPageTokens> scores{};
    for (int d = 0; d < spec_.head_dim; ++d) {
      const float* keys = keys_.data() + d * kPageTokens;
      for (int32_t slot = 0; slot < kPageTokens; ++slot) scores[slot] += query[d] * keys[slot];
    }
    Running& state = running(i, head);
    float max = state.max;
    for (int32_t slot = from; slot < to; ++slot) {
      scores[slot] *= args_.scale;
      max = std::max(max, scores[slot]);
    }
    const float shrink = std::exp(state.max - max);
    for (int d = 0; d < spec_.head_dim; ++d) output[d] *= shrink;
    float sum = 0;
    for (int32_t slot = from; slot < to; ++slot) {
      const float share = std::exp(scores[slot] - max);
      const float* values = values_.data() + slot * spec_.head_dim;
      sum += share;
      for (int d = 0; d < spec_.head_dim; ++d) output[d] += share * values[d];
    }
    state = {max, state.sum * shrink + sum};
  }

  void finish(const RowBlock& block, int kv_head) {
    for (int32_t i = 0; i < block.count; ++i) {
      for (int head = 0; head < group_; ++head) {
        float* output = args_.output + place(block, kv_head, i, head);
        for (int d = 0; d < spec_.head_dim; ++d) output[d] /= running(i, head).sum;
      }
    }
  }

  const AttentionArgs& args_;
  const KvSpec& spec_;
  int group_;                     // query heads per KV head
  std::vector<float> keys_;       // [head_dim, kPageTokens]
  std::vector<float> values_;     // [kPageTokens, head_dim]
  std::vector<Running> running_;  // [rows of the block, group]
};

}  // namespace

void attention(const AttentionArgs& args, ThreadPool& pool) {
  const int kv_heads = args.kv->spec().kv_heads;
  KT_CHECK_EQ(args.heads % kv_heads, 0);
  const std::vector<RowBlock> blocks = row_blocks(args.sequences, kBlockRows);
  const auto count = static_cast<int64_t>(blocks.size()) * kv_heads;
  pool.run(count, 1, [&](int, int64_t begin, int64_t end) {
    BlockAttention attention(args);
    for (int64_t work = begin; work < end; ++work) {
      attention.run(blocks[static_cast<size_t>(work / kv_heads)],
                    static_cast<int>(work % kv_heads));
    }
  });
}

}  // namespace kilotoken::reference
