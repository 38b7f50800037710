#include "engine/scheduler/prompt_groups.h"

#include <algorithm>
#include <functional>

namespace kilotoken {
namespace {

bool same_prompt(const Request& a, const Request& b) {
  return &a == &b || (a.prompt == b.prompt && a.cache_salt == b.cache_salt &&
                      a.shared_tokens == b.shared_tokens);
}

// Never 0.
uint64_t key_of(const Request& request) {
  uint64_t hash = std::hash<std::string>()(request.cache_salt) | 1;
  for (const int32_t token : request.prompt) {
    hash = (hash ^ static_cast<uint32_t>(token)) * 0x100000001b3;
  }
  return hash == 0 ? 1 : hash;
}

}  // namespace

void PromptGroups::join(std::unique_ptr<Sequence>& sequence) {
  const uint64_t key = key_of(*sequence->request);
  const auto [at, is_new] = groups_.try_emplace(key, Group{sequence.get(), {}});
  if (is_new) {
    sequence->group = key;
    return;
  }
  Group& group = at->second;
  if (!same_prompt(*group.leader->request, *sequence->request)) return;  // it goes alone
  sequence->followed = true;
  group.followers.push_back(std::move(sequence));
  ++followers_;
}

std::vector<std::unique_ptr<Sequence>> PromptGroups::dissolve(Sequence& leader) {
  if (leader.group == 0) return {};
  auto group = groups_.extract(std::exchange(leader.group, 0));
  followers_ -= static_cast<int>(group.mapped().followers.size());
  return std::move(group.mapped().followers);
}

std::unique_ptr<Sequence> PromptGroups::take(SequenceId follower) {
  for (auto& [key, group] : groups_) {
    const auto at = std::ranges::find(group.followers, follower,
                                      [](const auto& sequence) { return sequence->id; });
    if (at == group.followers.end()) continue;
    std::unique_ptr<Sequence> taken = std::move(*at);
    group.followers.erase(at);
    --followers_;
    return taken;
  }
  return nullptr;
}

}  // namespace kilotoken
