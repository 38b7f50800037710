// Sequences with the same prompt: one computes it, the others fork off with its pages and its
// logits. The last page, if it is not full, is shared through the prefix cache as well, and copied
// by whoever writes on.

#include <algorithm>

#include "engine/scheduler/scheduler.h"

namespace kilotoken {

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  const bool groups = cache_ && config_.batching == Batching::kContinuous &&
                      !sequence->request->sampling.prompt_logprobs;
  if (groups) groups_.join(sequence);
  if (sequence) enqueue(std::move(sequence));
}

// In order of arrival, also for who comes back.
void Scheduler::enqueue(std::unique_ptr<Sequence> sequence) {
  const auto at = std::ranges::upper_bound(waiting_, sequence->id, {},
                                           [](const auto& waiting) { return waiting->id; });
  waiting_.insert(at, std::move(sequence));
}

void Scheduler::enqueue_returning() {
  for (auto& sequence : std::exchange(returning_, {})) {
    if (!sequence->opened) groups_.join(sequence);  // its leader has gone, or could not be followed
    if (sequence) enqueue(std::move(sequence));
  }
}

void Scheduler::note_begin(Sequence& sequence, int cached_tokens, StepPlan& plan) {
  plan.opened.push_back({sequence.id, sequence.request, sequence.choice});
  sequence.opened = true;
  sequence.cached_tokens = cached_tokens;
  prefix_counts_.queried_tokens += sequence.prompt_tokens();
  prefix_counts_.hit_tokens += std::min(cached_tokens, sequence.prompt_tokens());
  if (cache_ && sequence.choice == 0) ++prefix_counts_.misses[static_cast<size_t>(sequence.miss)];
  for (PrefixCache::Node* node : sequence.cached) {
    if (cached_tokens < config_.page_tokens) return;
    ++node->hits;
    cached_tokens -= config_.page_tokens;
  }
}

// A prompt whose last page is there though it is not full: all but its last token need not be
// computed. The page is copied, since this sequence will write on.
void Scheduler::find_tail(Sequence& sequence) {
  const int first = static_cast<int>(sequence.cached.size()) * config_.page_tokens;
  const int count = sequence.prompt_tokens() - first;
  const bool usable = sequence.output.empty() && count > 1 && count < config_.page_tokens &&
                      std::ranges::all_of(sequence.cached, &PrefixCache::Node::ready);
  if (!usable) return;
  std::vector<int32_t> room;
  const PrefixCache::Node* tail =
      cache_->find(sequence.cached.empty() ? nullptr : sequence.cached.back(),
                   sequence.salt(sequence.prompt_tokens()), sequence.tokens(first, count, room));
  if (!tail || tail->copied_from > steps_) return;
  pool_.retain(tail->page);
  sequence.pages.push_back(tail->page);
  sequence.computed = sequence.prompt_tokens() - 1;
  sequence.miss = PrefixMiss::kNone;
}

// The next token goes to a page that others hold, too.
bool Scheduler::must_copy(const Sequence& sequence) const {
  const auto page = static_cast<size_t>(sequence.computed / config_.page_tokens);
  return sequence.computed % config_.page_tokens != 0 && page >= sequence.cached.size() &&
         page < sequence.pages.size() && pool_.references(sequence.pages[page]) > 1;
}

void Scheduler::copy_page(Sequence& sequence) {
  int32_t& page = sequence.pages[static_cast<size_t>(sequence.computed / config_.page_tokens)];
  auto fresh = pool_.allocate();
  KT_CHECK(fresh.ok(), "the pool said it had enough free pages");
  copies_.push_back({page, *fresh, sequence.computed % config_.page_tokens});
  copied_from_.push_back(page);
  page = *fresh;
}

// With no page left to copy to: where only the cache holds the page, too, it is taken from it.
bool Scheduler::take_over_page(Sequence& sequence) {
  const int first = sequence.computed / config_.page_tokens * config_.page_tokens;
  const int32_t page = sequence.pages[static_cast<size_t>(first / config_.page_tokens)];
  if (pool_.references(page) > 2) return false;
  std::vector<int32_t> room;
  PrefixCache::Node* tail =
      cache_->find(sequence.cached.empty() ? nullptr : sequence.cached.back(),
                   sequence.salt(sequence.prompt_tokens()),
                   sequence.tokens(first, sequence.prompt_tokens() - first, room));
  if (!tail || tail->page != page) return false;
  cache_->forget(tail);
  return true;
}

// Whether all of the leader's prompt is in the prefix cache, or will be after this step; if its
// last page is not full, `last_page` is where it is.
bool Scheduler::share_prompt(Sequence& leader, int32_t& last_page) {
  const int size = config_.page_tokens;
  const auto full = static_cast<size_t>(leader.prompt_tokens() / size);
  if (leader.cached.size() < full) return false;  // another sequence computes one of its pages, too
  const int first = static_cast<int>(full) * size, count = leader.prompt_tokens() - first;
  if (count == 0) return true;
  std::vector<int32_t> room;
  const auto tokens = leader.tokens(first, count, room);
  const std::string& salt = leader.salt(leader.prompt_tokens());
  PrefixCache::Node* parent = full == 0 ? nullptr : leader.cached[full - 1];
  PrefixCache::Node* tail = cache_->find(parent, salt, tokens);
  if (!tail) {
    tail = cache_->insert(parent, salt, tokens, leader.pages[full]);
    if (!tail) return false;
    tail->ready = true;
    tail->copied_from = steps_ + 1;
  }
  last_page = tail->page;
  return true;
}

// `row` computes the last of the leader's prompt.
void Scheduler::fork_followers(Sequence& leader, Row& row, StepPlan& plan) {
  const int prompt = leader.prompt_tokens();
  const auto full = static_cast<std::ptrdiff_t>(prompt / config_.page_tokens);
  std::vector<std::unique_ptr<Sequence>> followers = groups_.dissolve(leader);
  int32_t last_page = -1;
  const bool shared = !followers.empty() && share_prompt(leader, last_page);
  for (auto& follower : followers) {
    if (shared) {
      follower->pages.assign(leader.pages.begin(), leader.pages.begin() + full);
      if (last_page >= 0) follower->pages.push_back(last_page);
      for (const int32_t page : follower->pages) pool_.retain(page);
      follower->cached.assign(leader.cached.begin(), leader.cached.begin() + full);
      follower->computed = prompt;
      follower->length = prompt + 1;
      follower->sampled_at = steps_;
      note_begin(*follower, prompt, plan);
      row.forks.push_back(follower->id);
    }
    returning_.push_back(std::move(follower));
  }
}

}  // namespace kilotoken
