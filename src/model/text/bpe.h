#pragma once
// Byte-pair merging (Sennrich et al., ACL 2016) of a whole text in O(n log n): a heap of the pairs
// that may merge, over symbols in a linked list.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace kilotoken {

// A piece of the text; merging gives its neighbour's bytes to it and leaves the neighbour empty.
struct BpeSymbol {
  uint32_t begin = 0, size = 0;
  int32_t id = -1;  // -1: not in the vocabulary
  int32_t previous = -1, next = -1;
};

struct BpeMerge {
  double cost;  // least first; among equals the leftmost
  int32_t id;
};

inline void append_bpe_symbol(std::vector<BpeSymbol>& symbols, uint32_t size, int32_t id) {
  BpeSymbol symbol{.begin = 0, .size = size, .id = id};
  if (!symbols.empty()) {
    symbol.begin = symbols.back().begin + symbols.back().size;
    symbol.previous = static_cast<int32_t>(symbols.size()) - 1;
    symbols.back().next = static_cast<int32_t>(symbols.size());
  }
  symbols.push_back(symbol);
}

// Merges until no pair merges. `find(left, right)` gives the merge of two neighbours, if they have
// one. What remains is every symbol whose size is not 0, in order.
template <typename Find>
void bpe_merge(std::vector<BpeSymbol>& symbols, Find find) {
  struct Candidate {
    double cost;
    int32_t left;
    uint32_t size;  // of the pair; another size now means that one of the two has changed
    int32_t id;
  };
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.cost != b.cost ? a.cost > b.cost : a.left > b.left;
  };
  const auto candidate = [&](int32_t left) -> std::optional<Candidate> {
    if (left < 0) return std::nullopt;
    const BpeSymbol& first = symbols[static_cast<size_t>(left)];
    if (first.next < 0) return std::nullopt;
    const BpeSymbol& second = symbols[static_cast<size_t>(first.next)];
    const std::optional<BpeMerge> merge = find(first, second);
    if (!merge) return std::nullopt;
    return Candidate{merge->cost, left, first.size + second.size, merge->id};
  };

  std::vector<Candidate> heap;
  for (size_t i = 0; i + 1 < symbols.size(); ++i) {
    if (const auto found = candidate(static_cast<int32_t>(i))) heap.push_back(*found);
  }
  std::ranges::make_heap(heap, later);
  const auto offer = [&](int32_t left) {
    if (const auto found = candidate(left)) {
      heap.push_back(*found);
      std::ranges::push_heap(heap, later);
    }
  };
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, later);
    const Candidate best = heap.back();
    heap.pop_back();
    BpeSymbol& left = symbols[static_cast<size_t>(best.left)];
    if (left.size == 0 || left.next < 0) continue;
    BpeSymbol& right = symbols[static_cast<size_t>(left.next)];
    if (left.size + right.size != best.size) continue;
    left.size = best.size;
    left.id = best.id;
    left.next = right.next;
    right.size = 0;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
}

}  // namespace kilotoken
