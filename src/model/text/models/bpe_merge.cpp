#include "model/text/models/bpe_merge.h"

#include <algorithm>
#include <functional>

namespace kilotoken {
namespace {

constexpr size_t kShort = 48;

void merge_short(const PairTable& table, BpeScratch& scratch) {
  std::vector<int32_t>& ids = scratch.ids;
  std::vector<PairTable::Merge>& merges = scratch.merges;
  size_t count = ids.size();
  merges.resize(count);
  for (size_t i = 0; i + 1 < count; ++i) merges[i] = table.find(ids[i], ids[i + 1]);
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == UINT32_MAX) break;
    ids[best] = merges[best].merged;
    --count;
    for (size_t i = best + 1; i < count; ++i) {
      ids[i] = ids[i + 1];
      merges[i] = merges[i + 1];
    }
    if (best + 1 < count) merges[best] = table.find(ids[best], ids[best + 1]);
    if (best > 0) merges[best - 1] = table.find(ids[best - 1], ids[best]);
  }
  ids.resize(count);
}

class LongMerge {
 public:
  LongMerge(const PairTable& table, BpeScratch& scratch)
      : table_(table), symbols_(scratch.symbols), heap_(scratch.heap), ids_(scratch.ids) {}

  void run() {
    start();
    while (!heap_.empty()) {
      std::ranges::pop_heap(heap_, std::greater());
      const uint64_t least = heap_.back();
      heap_.pop_back();
      merge(static_cast<uint32_t>(least >> 32), static_cast<int32_t>(least & UINT32_MAX));
    }
    ids_.clear();
    for (const BpeScratch::Symbol& symbol : symbols_) {
      if (!symbol.merged) ids_.push_back(symbol.id);
    }
  }

 private:
  void start() {
    symbols_.clear();
    heap_.clear();
    const auto count = static_cast<int32_t>(ids_.size());
    for (int32_t i = 0; i < count; ++i) {
      symbols_.push_back({ids_[static_cast<size_t>(i)], false, i - 1, i + 1 < count ? i + 1 : -1});
    }
    for (int32_t i = 0; i + 1 < count; ++i) offer(i);
    std::ranges::make_heap(heap_, std::greater());
    started_ = true;
  }

  BpeScratch::Symbol& at(int32_t place) { return symbols_[static_cast<size_t>(place)]; }
  PairTable::Merge merge_with_next(int32_t left) {
    return table_.find(at(left).id, at(at(left).next).id);
  }

  void offer(int32_t left) {
    if (left < 0 || at(left).next < 0) return;
    const PairTable::Merge merge = merge_with_next(left);
    if (merge.rank == UINT32_MAX) return;
    heap_.push_back(uint64_t{merge.rank} << 32 | static_cast<uint32_t>(left));
    if (started_) std::ranges::push_heap(heap_, std::greater());
  }

  // What stands at `place` may have merged otherwise since it was offered.
  void merge(uint32_t rank, int32_t place) {
    BpeScratch::Symbol& left = at(place);
    if (left.merged || left.next < 0) return;
    const PairTable::Merge merge = merge_with_next(place);
    if (merge.rank != rank) return;
    BpeScratch::Symbol& right = at(left.next);
    left.id = merge.merged;
    left.next = right.next;
    right.merged = true;
    if (left.next >= 0) at(left.next).previous = place;
    offer(left.previous);
    offer(place);
  }

  const PairTable& table_;
  std::vector<BpeScratch::Symbol>& symbols_;
  std::vector<uint64_t>& heap_;
  std::vector<int32_t>& ids_;
  bool started_ = false;
};

}  // namespace

void bpe_merge(const PairTable& table, BpeScratch& scratch) {
  if (scratch.ids.size() <= kShort) {
    merge_short(table, scratch);
  } else {
    LongMerge(table, scratch).run();
  }
}

}  // namespace kilotoken
