#include "measure/bench/oracle.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace kilotoken::bench {
namespace {

// Texts, of which the longest common beginning with another one stands beside it in their order.
class Memory {
 public:
  void add(std::string text) { known_.insert(texts_.emplace_back(std::move(text))); }

  size_t find(std::string_view text) const {
    const auto after = known_.lower_bound(text);
    size_t found = after == known_.end() ? 0 : common(*after, text);
    if (after != known_.begin()) found = std::max(found, common(*std::prev(after), text));
    return found;
  }

 private:
  static size_t common(std::string_view a, std::string_view b) {
    const auto most = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
    return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first -
                               a.begin());
  }
  std::deque<std::string> texts_;
  std::set<std::string_view> known_;
};

// What was said in its session before each request.
class Conversations {
 public:
  Conversations(const Plan& plan, const LoadRun& run) : plan_(plan) {
    for (const RequestRecord& record : run.records) turns_[{record.session, record.turn}] = &record;
  }

  std::string prompt(const RequestRecord& record) const {
    const Session& session = plan_.sessions.at(static_cast<size_t>(record.session));
    Said said;
    for (int turn = 0; turn < record.turn; ++turn) {
      const auto before = turns_.find({record.session, turn});
      said.asked.push_back(session.turns.at(static_cast<size_t>(turn)).text);
      said.answered.push_back(before == turns_.end() ? std::string() : before->second->text);
    }
    return prompt_text(session, static_cast<size_t>(record.turn), said);
  }

 private:
  const Plan& plan_;
  std::map<std::pair<int, int>, const RequestRecord*> turns_;
};

}  // namespace

double oracle_hit_rate(const Plan& plan, const LoadRun& run, bool chat) {
  const Conversations conversations(plan, run);
  // In order of time; at one moment an answer comes before the request that waited for it.
  enum Kind { kAnswered, kSent };
  std::vector<std::pair<std::pair<int64_t, Kind>, const RequestRecord*>> events;
  for (const RequestRecord& record : run.records) {
    if (record.sent_ns < 0) continue;
    events.push_back({{record.sent_ns, kSent}, &record});
    if (chat && record.ok()) events.push_back({{record.done_ns, kAnswered}, &record});
  }
  std::ranges::stable_sort(events, {}, [](const auto& event) { return event.first; });
  Memory memory;
  double all = 0, found = 0;
  for (const auto& [when, record] : events) {
    std::string text = conversations.prompt(*record);
    if (when.second == kAnswered) {
      memory.add(answered_text(text, record->text));
      continue;
    }
    if (record->ok() && !text.empty()) {
      const int64_t tokens =
          record->prompt_tokens >= 0 ? record->prompt_tokens : record->planned_input;
      all += static_cast<double>(tokens);
      found += static_cast<double>(tokens) * static_cast<double>(memory.find(text)) /
               static_cast<double>(text.size());
    }
    memory.add(std::move(text));
  }
  return all > 0 ? found / all : 0;
}

}  // namespace kilotoken::bench
