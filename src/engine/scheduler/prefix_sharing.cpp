// What the scheduler does with the prefix cache: finding, promising and sharing pages.

#include <algorithm>

#include "engine/scheduler/scheduler.h"

namespace kilotoken {
namespace {

PrefixCache::Node* last_of(const Sequence& sequence) {
  return sequence.cached.empty() ? nullptr : sequence.cached.back();
}

}  // namespace

std::span<const int32_t> Sequence::tokens(int begin, int count, std::vector<int32_t>& room) const {
  const std::span<const int32_t> prompt(request->prompt);
  const auto first = static_cast<size_t>(begin), size = static_cast<size_t>(count);
  if (first + size <= prompt.size()) return prompt.subspan(first, size);
  room.clear();
  for (int i = begin; i < begin + count; ++i) {
    room.push_back(i < prompt_tokens() ? prompt[static_cast<size_t>(i)]
                                       : output[static_cast<size_t>(i - prompt_tokens())]);
  }
  return room;
}

// Takes every page of the beginning that the cache has, ready or promised, but leaves at least one
// token to compute: its logits are wanted.
void Scheduler::find_prefix(Sequence& sequence) {
  KT_CHECK(sequence.pages.empty(), "a waiting sequence has no pages");
  // Logits of the whole prompt are wanted, so all of it is computed.
  sequence.miss = PrefixMiss::kNone;
  if (!cache_ || sequence.request->sampling.prompt_logprobs) return;
  const int size = config_.page_tokens;
  const int usable = std::min(sequence.known_tokens(), sequence.length - 1);
  std::vector<int32_t> room;
  for (int first = 0; first + size <= usable; first += size) {
    const std::string& salt = sequence.salt(first + size);
    const std::span<const int32_t> tokens = sequence.tokens(first, size, room);
    PrefixCache::Node* node = cache_->find(last_of(sequence), salt, tokens);
    if (!node) {
      sequence.miss = cache_->why_missing(last_of(sequence), salt, tokens);
      return;
    }
    pool_.retain(node->page);
    sequence.pages.push_back(node->page);
    sequence.cached.push_back(node);
  }
  sequence.miss = usable % size == 0 ? PrefixMiss::kNone : PrefixMiss::kPartialPage;
  find_tail(sequence);
}

// Tells the cache of the pages this sequence is going to compute, so that others can wait for them.
void Scheduler::promise_pages(Sequence& sequence) {
  if (!cache_) return;
  const int size = config_.page_tokens;
  std::vector<int32_t> room;
  for (auto page = static_cast<int>(sequence.cached.size());
       (page + 1) * size <= sequence.known_tokens(); ++page) {
    const std::span<const int32_t> tokens = sequence.tokens(page * size, size, room);
    const std::string& salt = sequence.salt((page + 1) * size);
    PrefixCache::Node* parent = last_of(sequence);
    if (cache_->find(parent, salt, tokens)) return;  // another one computes it, too
    PrefixCache::Node* node =
        cache_->insert(parent, salt, tokens, sequence.pages[static_cast<size_t>(page)]);
    if (!node) return;
    node->computed_by = sequence.id;
    sequence.cached.push_back(node);
  }
}

// Hands the pages that the last step has filled to the cache. Where it has that page by now, from
// another sequence, that one is used and the own one freed: they hold the same bytes.
void Scheduler::share_computed(Sequence& sequence) {
  if (!cache_) return;
  const int size = config_.page_tokens;
  const auto full =
      static_cast<size_t>(std::min(sequence.known_tokens(), sequence.computed) / size);
  for (size_t& page = sequence.settled; page < std::min(full, sequence.cached.size()); ++page) {
    PrefixCache::Node& node = *sequence.cached[page];
    if (node.computed_by == sequence.id) node.ready = true;
    if (node.ready) continue;
    KT_CHECK(sequence.followed, "a sequence went past a page that was not ready");
    return;  // it forked off in the step that makes it so
  }
  std::vector<int32_t> room;
  while (sequence.cached.size() < full) {
    const size_t page = sequence.cached.size();
    const auto first = static_cast<int>(page) * size;
    const std::span<const int32_t> tokens = sequence.tokens(first, size, room);
    const std::string& salt = sequence.salt(first + size);
    PrefixCache::Node* parent = last_of(sequence);
    PrefixCache::Node* node = cache_->find(parent, salt, tokens);
    if (node && !node->ready) return;
    if (node) {
      pool_.retain(node->page);
      pool_.release(sequence.pages[page]);
      sequence.pages[page] = node->page;
    } else {
      node = cache_->insert(parent, salt, tokens, sequence.pages[page]);
      if (!node) return;
      node->ready = true;
    }
    sequence.cached.push_back(node);
  }
}

// Moves on over pages that are ready by now.
void Scheduler::skip_ready(Sequence& sequence) {
  const int size = config_.page_tokens;
  while (sequence.computed % size == 0 && sequence.computed + size < sequence.length) {
    const auto page = static_cast<size_t>(sequence.computed / size);
    if (page >= sequence.cached.size() || !sequence.cached[page]->ready) return;
    sequence.computed += size;
  }
}

// How many of the next `budget` tokens this sequence may compute now: up to a page that another one
// is computing. Pages that nobody computes any more become its own.
int Scheduler::startable(Sequence& sequence, int budget) {
  const int size = config_.page_tokens;
  const int end = std::min(sequence.length, sequence.computed + budget);
  for (int at = sequence.computed; at < end; at = (at / size + 1) * size) {
    const auto page = static_cast<size_t>(at / size);
    if (page >= sequence.cached.size()) break;
    PrefixCache::Node& node = *sequence.cached[page];
    if (node.computed_by == 0 && !node.ready) node.computed_by = sequence.id;
    if (node.ready || node.computed_by != sequence.id) return at - sequence.computed;
  }
  return end - sequence.computed;
}

}  // namespace kilotoken
