#include "engine/kv/page_pool.h"

#include <algorithm>
#include <random>

#include "base/check.h"

namespace kilotoken {

PagePool::PagePool(int page_count) {
  KT_CHECK_GE(page_count, 0);
  references_.assign(static_cast<size_t>(page_count), 0);
  free_.reserve(references_.size());
  for (int32_t page = page_count - 1; page >= 0; --page) free_.push_back(page);
}

void PagePool::shuffle(uint64_t seed) {
  std::mt19937_64 random(seed);
  // Fisher-Yates by hand: std::shuffle may give another order with another standard library.
  for (size_t i = free_.size(); i > 1; --i) std::swap(free_[i - 1], free_[random() % i]);
}

Result<int32_t> PagePool::allocate() {
  if (free_.empty()) {
    return Error{ErrorCode::kFull,
                 "all " + std::to_string(page_count()) +
                     " KV pages are in use; release some or start with more "
                     "(--kv-cache-memory-bytes)",
                 {}};
  }
  const int32_t page = free_.back();
  free_.pop_back();
  references_[page] = 1;
  return page;
}

void PagePool::retain(int32_t page) {
  KT_CHECK_LT(static_cast<size_t>(page), references_.size());
  KT_CHECK_GE(references_[page], 1);
  if (++references_[page] == 2) ++shared_;
}

void PagePool::release(int32_t page) {
  KT_CHECK_LT(static_cast<size_t>(page), references_.size());
  KT_CHECK_GE(references_[page], 1);
  if (--references_[page] == 1) --shared_;
  if (references_[page] > 0) return;
  free_.push_back(page);
  if (on_free_) on_free_(page);
}

void PagePool::check_integrity() const {
  std::vector<bool> is_free(references_.size(), false);
  for (const int32_t page : free_) {
    KT_CHECK_LT(static_cast<size_t>(page), references_.size());
    KT_CHECK(!is_free[page], "a page is on the free list twice");
    KT_CHECK_EQ(references_[page], 0);
    is_free[page] = true;
  }
  int shared = 0;
  for (size_t page = 0; page < references_.size(); ++page) {
    shared += references_[page] > 1 ? 1 : 0;
    KT_CHECK_GE(references_[page], 0);
    KT_CHECK_EQ(references_[page] == 0, static_cast<bool>(is_free[page]));
  }
  KT_CHECK_EQ(shared, shared_);
}

}  // namespace kilotoken
