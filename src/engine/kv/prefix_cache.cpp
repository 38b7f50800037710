#include "engine/kv/prefix_cache.h"

#include <algorithm>
#include <functional>
#include <tuple>

#include "base/check.h"

namespace kilotoken {
namespace {

// FNV-1a with a final mix, over whole tokens. Only a key of a hash table: tokens are compared.
uint64_t key_of(std::span<const int32_t> tokens) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int32_t token : tokens) {
    hash = (hash ^ static_cast<uint32_t>(token)) * 0x100000001b3;
  }
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15;
}

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t hash = (a ^ (b + 0x9e3779b97f4a7c15 + (a << 6) + (a >> 2))) * 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  return hash * 0xc4ceb9fe1a85ec53;
}

uint64_t hash_of(const std::string& salt) {
  return salt.empty() ? 0 : std::hash<std::string>()(salt);
}

// How many evicted pages are remembered, to tell what was evicted from what was never there.
constexpr size_t kRemembered = 1 << 16;

}  // namespace

const char* name_of(PrefixMiss miss) {
  switch (miss) {
    case PrefixMiss::kNone:
      return "none";
    case PrefixMiss::kCold:
      return "cold";
    case PrefixMiss::kEvicted:
      return "evicted";
    case PrefixMiss::kSalt:
      return "salt";
    case PrefixMiss::kPartialPage:
      break;
  }
  return "partial_page";
}

PrefixCache::PrefixCache(PagePool& pool, int page_tokens) : pool_(pool), page_tokens_(page_tokens) {
  KT_CHECK_GE(page_tokens, 1);
}

PrefixCache::~PrefixCache() = default;

PrefixCache::Node& PrefixCache::root() {
  auto& root = roots_[generation_];
  if (!root) root = std::make_unique<Node>();
  return *root;
}

uint64_t PrefixCache::chain_of(const Node* parent, std::span<const int32_t> tokens) const {
  return mix(parent && parent->parent ? parent->chain : generation_, key_of(tokens));
}

void PrefixCache::touch(Node& node) {
  const bool leaf = leaves_.erase({node.last_use, &node}) > 0;
  node.last_use = ++clock_;
  if (leaf) leaves_.emplace(node.last_use, &node);
}

PrefixCache::Node* PrefixCache::find(Node* parent, const std::string& salt,
                                     std::span<const int32_t> tokens) {
  KT_CHECK(!tokens.empty() && tokens.size() <= static_cast<size_t>(page_tokens_));
  if (!parent) {
    const auto at = roots_.find(generation_);
    if (at == roots_.end()) return nullptr;
    parent = at->second.get();
  }
  const auto at = parent->children.find(key_of(tokens) ^ hash_of(salt));
  if (at == parent->children.end()) return nullptr;
  Node& node = *at->second;
  if (!std::ranges::equal(node.tokens, tokens) || node.salt != salt) return nullptr;
  touch(node);
  return &node;
}

PrefixMiss PrefixCache::why_missing(const Node* parent, const std::string& salt,
                                    std::span<const int32_t> tokens) const {
  const uint64_t chain = chain_of(parent, tokens);
  if (was_evicted_.contains(mix(chain, hash_of(salt)))) return PrefixMiss::kEvicted;
  return chains_.contains(chain) ? PrefixMiss::kSalt : PrefixMiss::kCold;
}

PrefixCache::Node* PrefixCache::insert(Node* parent, const std::string& salt,
                                       std::span<const int32_t> tokens, int32_t page) {
  KT_CHECK(!tokens.empty() && tokens.size() <= static_cast<size_t>(page_tokens_));
  if (!parent) parent = &root();
  const uint64_t key = key_of(tokens) ^ hash_of(salt);
  auto& place = parent->children[key];
  if (place) return nullptr;
  place = std::make_unique<Node>();
  Node& node = *place;
  node.page = page;
  node.parent = parent;
  node.key = key;
  node.chain = chain_of(parent, tokens);
  node.end = parent->end + static_cast<int>(tokens.size());
  node.salt = salt;
  ++chains_[node.chain];
  node.tokens.assign(tokens.begin(), tokens.end());
  node.last_use = ++clock_;
  leaves_.erase({parent->last_use, parent});
  leaves_.emplace(node.last_use, &node);
  pool_.retain(page);
  ++page_count_;
  return &node;
}

// Takes a leaf out of the tree.
void PrefixCache::drop(Node& node) {
  KT_CHECK(node.children.empty(), "only a leaf is dropped");
  Node& parent = *node.parent;
  leaves_.erase({node.last_use, &node});
  if (const auto at = chains_.find(node.chain); --at->second == 0) chains_.erase(at);
  pool_.release(node.page);
  --page_count_;
  parent.children.erase(node.key);  // ends the node
  if (!parent.children.empty()) return;
  if (parent.parent) {
    leaves_.emplace(parent.last_use, &parent);
    return;
  }
  std::erase_if(roots_, [&](const auto& entry) { return entry.second.get() == &parent; });
}

void PrefixCache::withdraw(Node* node) {
  KT_CHECK(!node->ready, "a page that is ready is evicted, not withdrawn");
  drop(*node);
}

void PrefixCache::forget(Node* leaf) { drop(*leaf); }

int PrefixCache::evict(int count) {
  int freed = 0;
  while (freed < count) {
    const auto unused =
        std::ranges::find_if(leaves_, [&](const auto& entry) { return !in_use(*entry.second); });
    if (unused == leaves_.end()) break;
    const Node& node = *unused->second;
    const uint64_t chain = mix(node.chain, hash_of(node.salt));
    if (was_evicted_.insert(chain).second) evicted_chains_.push_back(chain);
    if (evicted_chains_.size() > kRemembered) {
      was_evicted_.erase(evicted_chains_.front());
      evicted_chains_.pop_front();
    }
    drop(*unused->second);
    ++freed;
  }
  evicted_ += freed;
  return freed;
}

void PrefixCache::forget_all() { ++generation_; }

std::vector<PrefixCache::Prefix> PrefixCache::hottest(size_t most) const {
  std::vector<Prefix> found;
  const auto visit = [&](const auto& self, const Node& node) -> void {
    // A prefix goes on for as long as all who began with it did.
    bool goes_on = false;
    for (const auto& [key, child] : node.children) {
      goes_on |= child->hits == node.hits;
      self(self, *child);
    }
    if (node.hits > 0 && !goes_on) {
      found.push_back({mix(node.chain, hash_of(node.salt)), node.end, node.hits});
    }
  };
  const auto current = roots_.find(generation_);
  if (current != roots_.end()) visit(visit, *current->second);
  std::ranges::sort(found, [](const Prefix& a, const Prefix& b) {
    return std::tie(b.hits, b.tokens, a.hash) < std::tie(a.hits, a.tokens, b.hash);
  });
  if (found.size() > most) found.resize(most);
  return found;
}

std::vector<int32_t> PrefixCache::pages() const {
  std::vector<int32_t> pages;
  const auto visit = [&](const auto& self, const Node& node) -> void {
    for (const auto& [key, child] : node.children) {
      pages.push_back(child->page);
      self(self, *child);
    }
  };
  for (const auto& [generation, root] : roots_) visit(visit, *root);
  return pages;
}

void PrefixCache::check_integrity() const {
  size_t leaves = 0;
  int nodes = 0, idle = 0;
  const auto visit = [&](const auto& self, const Node& node) -> void {
    for (const auto& [key, child] : node.children) {
      ++nodes;
      idle += in_use(*child) ? 0 : 1;
      KT_CHECK_EQ(child->parent, &node);
      KT_CHECK_EQ(child->key, key);
      KT_CHECK_EQ(key_of(child->tokens) ^ hash_of(child->salt), key);
      KT_CHECK(node.tokens.empty() || node.tokens.size() == static_cast<size_t>(page_tokens_),
               "only the last page of a prefix is not full");
      KT_CHECK(chains_.contains(child->chain), "every node's chain is known");
      KT_CHECK_GE(pool_.references(child->page), 1);
      KT_CHECK(child->ready || in_use(*child), "a page that is not ready is held by a sequence");
      if (child->children.empty()) {
        ++leaves;
        KT_CHECK(leaves_.contains({child->last_use, child.get()}), "a leaf is on the list");
      }
      self(self, *child);
    }
  };
  for (const auto& [generation, root] : roots_) visit(visit, *root);
  KT_CHECK_EQ(leaves, leaves_.size());
  KT_CHECK_EQ(nodes, page_count_);
  KT_CHECK_EQ(idle, idle_page_count());
}

}  // namespace kilotoken
