#pragma once
// Byte-pair merging (Sennrich et al., ACL 2016): the neighbours with the least rank merge, among
// equals the leftmost, until no two do. Short words by looking at every pair, long ones in
// O(n log n) with a heap over a linked list.

#include <cstdint>
#include <vector>

#include "model/text/models/flat_tables.h"

namespace kilotoken {

struct BpeScratch {
  struct Symbol {
    int32_t id;
    bool merged;  // into its left neighbour
    int32_t previous, next;
  };
  std::vector<int32_t> ids;
  std::vector<PairTable::Merge> merges;
  std::vector<Symbol> symbols;
  std::vector<uint64_t> heap;  // rank and place of the left symbol of a pair, the least first
};

// Merges scratch.ids in place.
void bpe_merge(const PairTable& table, BpeScratch& scratch);

}  // namespace kilotoken
