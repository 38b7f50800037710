#pragma once
// PromptGroups: of sequences with the same prompt that come before the first of them has computed
// it, that first one leads and the others follow: they wait here for what it finds.

#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/scheduler/request.h"

namespace kilotoken {

class PromptGroups {
 public:
  // Takes the sequence as a follower, and leaves null, if a leader has its prompt and salt. Else it
  // leads from now on.
  void join(std::unique_ptr<Sequence>& sequence);
  // The leader has sampled, or goes: its followers, in order of arrival.
  std::vector<std::unique_ptr<Sequence>> dissolve(Sequence& leader);
  std::unique_ptr<Sequence> take(SequenceId follower);  // null if there is none

  int follower_count() const { return followers_; }
  template <typename Visit>
  void for_each_follower(const Visit& visit) const {
    for (const auto& [key, group] : groups_) {
      for (const auto& follower : group.followers) visit(*follower);
    }
  }

 private:
  struct Group {
    const Sequence* leader;
    std::vector<std::unique_ptr<Sequence>> followers;
  };
  std::unordered_map<uint64_t, Group> groups_;
  int followers_ = 0;
};

}  // namespace kilotoken
