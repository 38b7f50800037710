#include "engine/kv/page_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace kilotoken {
namespace {

std::vector<int32_t> take_all(PagePool& pool) {
  std::vector<int32_t> pages;
  while (pool.free_count() > 0) pages.push_back(pool.allocate().value());
  return pages;
}

TEST(PagePool, GivesEachPageOnceAndThenSaysFull) {
  PagePool pool(5);
  std::vector<int32_t> pages = take_all(pool);
  std::sort(pages.begin(), pages.end());
  EXPECT_EQ(pages, (std::vector<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(pool.used_count(), 5);
  const Result<int32_t> more = pool.allocate();
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code, ErrorCode::kFull);
  pool.check_integrity();
}

TEST(PagePool, APageIsFreeWithItsLastReference) {
  PagePool pool(2);
  std::vector<int32_t> freed;
  pool.on_free([&](int32_t page) { freed.push_back(page); });
  const int32_t page = pool.allocate().value();
  pool.retain(page);
  pool.release(page);
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(pool.free_count(), 1);
  pool.release(page);
  EXPECT_EQ(freed, std::vector<int32_t>{page});
  EXPECT_EQ(pool.free_count(), 2);
  pool.check_integrity();
}

TEST(PagePool, AShuffleDependsOnItsSeedAndLosesNoPage) {
  const auto order = [](uint64_t seed) {
    PagePool pool(50);
    pool.shuffle(seed);
    pool.check_integrity();
    return take_all(pool);
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
  PagePool plain(50);
  EXPECT_NE(order(1), take_all(plain));
}

TEST(PagePool, CountsHoldUnderRandomUse) {
  PagePool pool(17);
  pool.shuffle(3);
  std::mt19937 random(11);
  std::vector<int32_t> held;  // one entry per reference
  int refused = 0;
  for (int step = 0; step < 5'000; ++step) {
    const auto choice = random() % 3;
    if (choice == 0) {
      const Result<int32_t> page = pool.allocate();
      EXPECT_EQ(page.ok(), std::set<int32_t>(held.begin(), held.end()).size() < 17u);
      if (page.ok()) {
        EXPECT_EQ(std::count(held.begin(), held.end(), *page), 0);
        held.push_back(*page);
      } else {
        ++refused;
      }
    } else if (!held.empty()) {
      const size_t at = random() % held.size();
      if (choice == 1 && held.size() < 40) {
        pool.retain(held[at]);
        held.push_back(held[at]);
      } else {
        pool.release(held[at]);
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    EXPECT_EQ(pool.used_count(),
              static_cast<int>(std::set<int32_t>(held.begin(), held.end()).size()));
    pool.check_integrity();
  }
  EXPECT_GT(refused, 0);
}

TEST(PagePoolDeathTest, MisuseIsCaught) {
  PagePool pool(2);
  const int32_t page = pool.allocate().value();
  pool.release(page);
  EXPECT_DEATH(pool.release(page), "references_");
  EXPECT_DEATH(pool.retain(page), "references_");
  EXPECT_DEATH(pool.release(99), "99 against 2");
}

}  // namespace
}  // namespace kilotoken
