#pragma once
// PrefixCache: which pages hold which tokens, as a tree: a node is a page of tokens after those of
// its ancestors, the last of a prompt perhaps not full. Sequences whose prompts begin alike
// share the pages of the beginning; what nobody uses stays until its page is wanted for something
// else (radix attention, Zheng et al., NeurIPS 2024, with pages as the unit).

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/kv/page_pool.h"

namespace kilotoken {

// Why a prompt had to be computed further than to its last token.
enum class PrefixMiss : uint8_t {
  kNone,         // it had not
  kCold,         // never seen
  kEvicted,      // its next page was there and had to make room
  kSalt,         // its next page is there, under another salt
  kPartialPage,  // what is left does not fill a page
};
constexpr int kPrefixMissCount = 5;
const char* name_of(PrefixMiss miss);

class PrefixCache {
 public:
  // Lives as long as a sequence holds its page, and then until it is evicted.
  struct Node {
    int32_t page = -1;
    bool ready = false;  // all of its keys and values are in the page, or will be after the step
    uint64_t computed_by = 0;  // who is to make it ready; 0: whoever comes first
    int64_t hits = 0;          // sequences that began with it
    int64_t copied_from = 0;   // the first plan that may copy it, for a page that is not full

   private:
    friend class PrefixCache;
    Node* parent = nullptr;
    uint64_t key = 0;
    uint64_t chain = 0;  // hash of all tokens to its end, whatever the salt
    int end = 0;         // how many these are
    std::string salt;
    std::vector<int32_t> tokens;
    uint64_t last_use = 0;
    std::unordered_map<uint64_t, std::unique_ptr<Node>> children;
  };

  PrefixCache(PagePool& pool, int page_tokens);
  ~PrefixCache();

  // The page with these tokens (at most a page's) after those of `parent`, or null. A null parent
  // is the beginning of a prompt. Under different salts nothing is shared; a salt may begin after
  // pages without one.
  Node* find(Node* parent, const std::string& salt, std::span<const int32_t> tokens);

  // Why find() gave null for a whole page of tokens.
  PrefixMiss why_missing(const Node* parent, const std::string& salt,
                         std::span<const int32_t> tokens) const;

  // Adds a page, of which the cache takes a reference. Null if it cannot (another page's tokens
  // have the same hash).
  Node* insert(Node* parent, const std::string& salt, std::span<const int32_t> tokens,
               int32_t page);

  // Takes back a page that was never made ready, that nothing follows and only one sequence holds.
  void withdraw(Node* node);
  void forget(Node* leaf);  // it is not found again, and its page is its holders' alone

  // Frees up to `count` pages that no sequence holds, the least recently used first, leaves before
  // what they follow. Returns how many.
  int evict(int count);

  // The most popular prefixes first, as a hash of their tokens and salt, never tokens.
  struct Prefix {
    uint64_t hash = 0;
    int tokens = 0;
    int64_t hits = 0;
  };
  std::vector<Prefix> hottest(size_t most) const;

  // Nothing that is there now is found again; its pages are freed as they are evicted.
  void forget_all();

  bool in_use(const Node& node) const { return pool_.references(node.page) > 1; }
  int page_tokens() const { return page_tokens_; }
  int page_count() const { return page_count_; }  // pages that the cache holds
  // Pages that no sequence holds: free for whoever needs one. (What the cache and a sequence hold
  // has two references, and nothing else has.)
  int idle_page_count() const { return page_count_ - pool_.shared_count(); }
  int64_t evicted_pages() const { return evicted_; }
  void check_integrity() const;
  std::vector<int32_t> pages() const;  // in no order

 private:
  Node& root();
  uint64_t chain_of(const Node* parent, std::span<const int32_t> tokens) const;
  void touch(Node& node);
  void drop(Node& node);

  PagePool& pool_;
  const int page_tokens_;
  std::map<uint64_t, std::unique_ptr<Node>> roots_;  // by generation
  std::unordered_map<uint64_t, int> chains_;         // of the nodes there are, and how many
  std::deque<uint64_t> evicted_chains_;              // with their salts, the oldest first
  std::unordered_set<uint64_t> was_evicted_;
  std::set<std::pair<uint64_t, Node*>> leaves_;  // least recently used first
  uint64_t generation_ = 0;
  uint64_t clock_ = 0;  // counts uses
  int page_count_ = 0;
  int64_t evicted_ = 0;
};

}  // namespace kilotoken
