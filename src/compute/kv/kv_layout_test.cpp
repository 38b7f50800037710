#include "compute/kv/kv_layout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstring>

namespace kilotoken {
namespace {

TEST(KvLayoutTest, SizesFollowFromTheShape) {
  const KvSpec spec{3, 2, 48, DType::kBF16};
  EXPECT_EQ(spec.head_bytes(), 64u * 48 * 2);
  EXPECT_EQ(spec.plane_bytes(), 2u * 64 * 48 * 2);
  EXPECT_EQ(spec.page_bytes(), 3u * 2 * 2 * 64 * 48 * 2);
  EXPECT_EQ(spec.token_bytes() * kPageTokens, spec.page_bytes());
}

TEST(KvLayoutTest, PlacesDoNotOverlapAndFillThePage) {
  const KvSpec spec{3, 2, 8, DType::kF32};
  auto cache = KvCache::reserve(spec, 4);
  ASSERT_TRUE(cache.ok()) << cache.error().message;
  const std::byte* expected = cache->keys(0, 0, 0);
  for (int page = 0; page < 4; ++page) {
    for (int layer = 0; layer < 3; ++layer) {
      for (int head = 0; head < 2; ++head) {
        EXPECT_EQ(cache->keys(page, layer, head), expected + head * spec.head_bytes());
        EXPECT_EQ(cache->values(page, layer, head),
                  expected + spec.plane_bytes() + head * spec.head_bytes());
      }
      expected += 2 * spec.plane_bytes();
    }
  }
  EXPECT_DEATH(cache->keys(4, 0, 0), "page 4");
}

TEST(KvLayoutTest, PoisonIsNaNInEveryTypeAndStaysInItsPage) {
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    auto cache = KvCache::reserve(KvSpec{2, 1, 8, dtype}, 3);
    ASSERT_TRUE(cache.ok()) << cache.error().message;
    cache->poison(1);
    const size_t page_bytes = cache->spec().page_bytes();
    const std::byte* bytes = cache->keys(0, 0, 0);
    for (size_t i = 0; i < 3 * page_bytes; ++i) {
      const bool inside = i >= page_bytes && i < 2 * page_bytes;
      ASSERT_EQ(bytes[i], inside ? std::byte{0xff} : std::byte{0}) << i;
    }
    Half half;
    std::memcpy(&half, cache->values(1, 1, 0), sizeof half);
    EXPECT_TRUE(std::isnan(to_float(half)));
  }
}

TEST(KvLayoutTest, TooManyPagesIsAnError) {
  const KvSpec spec{1000, 1000, 1000, DType::kF32};
  EXPECT_EQ(KvCache::reserve(spec, 1 << 30).error().code, ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace kilotoken
