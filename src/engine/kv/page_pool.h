#pragma once
// PagePool: ids of KV pages, ref-counted. It only counts; the bytes belong to compute/kv.

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.h"

namespace kilotoken {

class PagePool {
 public:
  explicit PagePool(int page_count);

  // Tests hand pages out in a seeded shuffle, so that no result can lean on their order.
  void shuffle(uint64_t seed);
  // Called with each page whose last reference went away.
  void on_free(std::function<void(int32_t page)> callback) { on_free_ = std::move(callback); }

  Result<int32_t> allocate();  // one reference; kFull when none is left
  void retain(int32_t page);
  void release(int32_t page);

  int references(int32_t page) const { return references_[static_cast<size_t>(page)]; }
  int page_count() const { return static_cast<int>(references_.size()); }
  int shared_count() const { return shared_; }  // pages with more than one reference
  int free_count() const { return static_cast<int>(free_.size()); }
  int used_count() const { return page_count() - free_count(); }
  void check_integrity() const;  // KT_CHECKs that counts and free list agree

 private:
  std::vector<int32_t> references_;  // by page
  std::vector<int32_t> free_;        // taken from the back
  int shared_ = 0;
  std::function<void(int32_t)> on_free_;
};

}  // namespace kilotoken
