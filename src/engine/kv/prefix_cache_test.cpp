#include "engine/kv/prefix_cache.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

class PrefixCacheTest : public testing::Test {
 protected:
  using Node = PrefixCache::Node;
  static constexpr int kTokens = 4;

  static std::vector<int32_t> tokens(int32_t first) {
    return {first, first + 1, first + 2, first + 3};
  }
  // A page that a sequence has filled, given to the cache and let go.
  Node* put(Node* parent, int32_t first, const std::string& salt = {}) {
    const int32_t page = pool.allocate().value();
    Node* node = cache.insert(parent, salt, tokens(first), page);
    node->ready = true;
    pool.release(page);
    return node;
  }
  Node* find(Node* parent, int32_t first, const std::string& salt = {}) {
    return cache.find(parent, salt, tokens(first));
  }

  PagePool pool{4};
  PrefixCache cache{pool, kTokens};
};

TEST_F(PrefixCacheTest, FindsAPageByAllThatComesBeforeIt) {
  Node* a = put(nullptr, 10);
  Node* ab = put(a, 20);
  EXPECT_EQ(find(nullptr, 10), a);
  EXPECT_EQ(find(a, 20), ab);
  EXPECT_EQ(find(nullptr, 20), nullptr);
  EXPECT_EQ(find(a, 10), nullptr);
  EXPECT_EQ(cache.page_count(), 2);
  EXPECT_EQ(pool.used_count(), 2);
  cache.check_integrity();
}

TEST_F(PrefixCacheTest, SaltsShareNothing) {
  put(nullptr, 10, "one key");
  EXPECT_EQ(find(nullptr, 10), nullptr);
  EXPECT_EQ(find(nullptr, 10, "another"), nullptr);
  EXPECT_NE(find(nullptr, 10, "one key"), nullptr);
}

TEST_F(PrefixCacheTest, TheHottestPrefixesAreHashesAndLengths) {
  Node* a = put(nullptr, 10);
  Node* ab = put(a, 20);
  Node* ac = put(a, 30);
  put(nullptr, 40);  // nobody came back for it
  a->hits = 5;
  ab->hits = 5;
  ac->hits = 2;
  const auto hottest = cache.hottest(10);
  ASSERT_EQ(hottest.size(), 2u) << "a is the beginning of a more telling one";
  EXPECT_EQ(hottest[0].tokens, 8);
  EXPECT_EQ(hottest[0].hits, 5);
  EXPECT_EQ(hottest[1].hits, 2);
  EXPECT_NE(hottest[0].hash, hottest[1].hash);
  EXPECT_EQ(cache.hottest(1).size(), 1u);
  cache.forget_all();
  EXPECT_TRUE(cache.hottest(10).empty());
}

TEST_F(PrefixCacheTest, APageThatIsNotFull) {
  Node* a = put(nullptr, 10);
  const int32_t page = pool.allocate().value();
  const std::vector<int32_t> two = {1, 2};
  Node* tail = cache.insert(a, {}, two, page);
  tail->ready = true;
  pool.release(page);
  EXPECT_EQ(cache.find(a, {}, two), tail);
  EXPECT_EQ(cache.find(a, {}, std::vector<int32_t>{1}), nullptr);
  EXPECT_EQ(cache.find(a, "salt", two), nullptr);
  cache.check_integrity();
  EXPECT_EQ(cache.evict(2), 2);
}

TEST_F(PrefixCacheTest, ASecondPageWithTheSameTokensIsNotTaken) {
  put(nullptr, 10);
  const int32_t page = pool.allocate().value();
  EXPECT_EQ(cache.insert(nullptr, {}, tokens(10), page), nullptr);
  EXPECT_EQ(pool.references(page), 1);
  pool.release(page);
}

TEST_F(PrefixCacheTest, EvictsTheLeastRecentlyUsedLeavesFirst) {
  Node* a = put(nullptr, 10);
  put(a, 20);
  put(nullptr, 30);
  find(nullptr, 10);
  find(a, 20);  // so 30 is the oldest
  EXPECT_EQ(cache.evict(1), 1);
  EXPECT_EQ(find(nullptr, 30), nullptr);
  EXPECT_EQ(cache.evict(1), 1);  // the leaf, though what it follows is older
  EXPECT_EQ(find(nullptr, 10), a);
  EXPECT_EQ(find(a, 20), nullptr);
  EXPECT_EQ(cache.evict(5), 1);
  EXPECT_EQ(cache.evicted_pages(), 3);
  EXPECT_EQ(pool.used_count(), 0);
  cache.check_integrity();
}

TEST_F(PrefixCacheTest, KeepsWhatASequenceHolds) {
  Node* a = put(nullptr, 10);
  Node* ab = put(a, 20);
  put(nullptr, 30);
  pool.retain(ab->page);
  EXPECT_EQ(cache.evict(5), 1);
  EXPECT_EQ(find(nullptr, 10), a);
  EXPECT_EQ(find(a, 20), ab);
  pool.release(ab->page);
  EXPECT_EQ(cache.evict(5), 2);
  EXPECT_EQ(pool.used_count(), 0);
}

TEST_F(PrefixCacheTest, APromisedPageIsTakenBack) {
  const int32_t page = pool.allocate().value();
  Node* node = cache.insert(nullptr, {}, tokens(10), page);
  EXPECT_FALSE(node->ready);
  EXPECT_EQ(find(nullptr, 10), node);
  cache.withdraw(node);
  EXPECT_EQ(find(nullptr, 10), nullptr);
  EXPECT_EQ(pool.references(page), 1);
  pool.release(page);
  cache.check_integrity();
}

TEST_F(PrefixCacheTest, WhatIsForgottenIsNotFoundAndGoesInTime) {
  Node* a = put(nullptr, 10);
  cache.forget_all();
  EXPECT_EQ(find(nullptr, 10), nullptr);
  Node* b = put(nullptr, 10);
  EXPECT_NE(a, b);
  EXPECT_EQ(find(nullptr, 10), b);
  cache.check_integrity();
  EXPECT_EQ(cache.evict(1), 1);
  EXPECT_EQ(find(nullptr, 10), b);  // the forgotten one went first
  EXPECT_EQ(cache.evict(1), 1);
  EXPECT_EQ(pool.used_count(), 0);
}

}  // namespace
}  // namespace kilotoken
