#pragma once
// How keys and values lie in pages. A page holds 64 consecutive tokens of one sequence, all layers:
//   page = [layer][K then V][kv_head][kPageTokens][head_dim], in the KV dtype.
// 64 tokens is also the block of attention, and pages start at absolute positions, multiples
// of 64: so what a token attends to is read in the same blocks however it was computed.

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/result.h"
#include "compute/tensor/arena.h"
#include "compute/tensor/dtype.h"

namespace kilotoken {

inline constexpr int kPageTokens = 64;

struct KvSpec {
  int layers = 0;
  int kv_heads = 0;
  int head_dim = 0;
  DType dtype = DType::kBF16;

  size_t head_bytes() const;   // one head's [kPageTokens, head_dim]
  size_t plane_bytes() const;  // K or V of one layer: all heads
  size_t page_bytes() const;   // all layers, K and V
  size_t token_bytes() const { return page_bytes() / kPageTokens; }
};

// The bytes of all pages. Which page belongs to whom is engine/kv's business.
class KvCache {
 public:
  static Result<KvCache> reserve(const KvSpec& spec, int page_count);

  const KvSpec& spec() const { return spec_; }
  int page_count() const { return page_count_; }
  std::byte* keys(int page, int layer, int kv_head) const;    // [kPageTokens, head_dim]
  std::byte* values(int page, int layer, int kv_head) const;  // [kPageTokens, head_dim]

  // The first `tokens` of a page, keys and values of all layers, to another page.
  void copy(int from, int to, int tokens) const;

  // Fills a page with NaN, so that a read of a page nobody owns cannot go unseen.
  void poison(int page) const;

 private:
  KvSpec spec_;
  int page_count_ = 0;
  Arena arena_;
};

}  // namespace kilotoken
