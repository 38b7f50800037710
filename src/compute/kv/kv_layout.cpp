#include "compute/kv/kv_layout.h"

#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"

namespace kilotoken {

size_t KvSpec::head_bytes() const {
  return static_cast<size_t>(kPageTokens) * static_cast<size_t>(head_dim) * size_of(dtype);
}

size_t KvSpec::plane_bytes() const { return static_cast<size_t>(kv_heads) * head_bytes(); }

size_t KvSpec::page_bytes() const { return static_cast<size_t>(layers) * 2 * plane_bytes(); }

Result<KvCache> KvCache::reserve(const KvSpec& spec, int page_count) {
  KT_CHECK(spec.layers > 0 && spec.kv_heads > 0 && spec.head_dim > 0 && page_count >= 0);
  const size_t page_bytes = spec.page_bytes();
  if (static_cast<size_t>(page_count) > std::numeric_limits<size_t>::max() / 2 / page_bytes) {
    return Error{ErrorCode::kTooLarge,
                 "KV cache of " + std::to_string(page_count) + " pages of " +
                     std::to_string(page_bytes) + " bytes does not fit an address space",
                 {}};
  }
  KvCache cache;
  cache.spec_ = spec;
  cache.page_count_ = page_count;
  KT_TRY(cache.arena_, Arena::reserve(static_cast<size_t>(page_count) * page_bytes));
  return cache;
}

std::byte* KvCache::keys(int page, int layer, int kv_head) const {
  KT_CHECK(page >= 0 && page < page_count_, "page " + std::to_string(page));
  const size_t plane = static_cast<size_t>(layer) * 2;
  return arena_.bytes().data() + static_cast<size_t>(page) * spec_.page_bytes() +
         plane * spec_.plane_bytes() + static_cast<size_t>(kv_head) * spec_.head_bytes();
}

std::byte* KvCache::values(int page, int layer, int kv_head) const {
  return keys(page, layer, kv_head) + spec_.plane_bytes();
}

void KvCache::copy(int from, int to, int tokens) const {
  KT_CHECK(tokens >= 0 && tokens <= kPageTokens && from != to);
  const size_t bytes = static_cast<size_t>(tokens) * spec_.head_bytes() / kPageTokens;
  const size_t heads = spec_.page_bytes() / spec_.head_bytes();
  const std::byte* source = keys(from, 0, 0);
  std::byte* target = keys(to, 0, 0);
  for (size_t head = 0; head < heads; ++head) {
    std::memcpy(target + head * spec_.head_bytes(), source + head * spec_.head_bytes(), bytes);
  }
}

void KvCache::poison(int page) const {
  std::memset(keys(page, 0, 0), 0xff, spec_.page_bytes());  // all ones is a NaN in every float type
}

}  // namespace kilotoken
