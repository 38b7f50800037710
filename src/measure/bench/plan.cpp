#include "measure/bench/plan.h"

#include "base/sha256.h"

namespace kilotoken::bench {
namespace {

void add(std::string& text, std::string_view bytes) { text += bytes; }
void add(std::string& text, int64_t number) { text += std::to_string(number) + ","; }

}  // namespace

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

std::string schedule_sha256(const Plan& plan) {
  std::string digest;
  for (const Session& session : plan.sessions) {
    add(digest, session.due_ns);
    add(digest, session.klass);
    add(digest, static_cast<int64_t>(session.system.size()));
    add(digest, session.system);
    for (const Turn& turn : session.turns) {
      add(digest, turn.max_tokens);
      add(digest, turn.think_ns);
      add(digest, static_cast<int64_t>(turn.text.size()));
      add(digest, turn.text);
      for (const int32_t id : turn.ids) add(digest, int64_t{id});
    }
  }
  return sha256_hex(digest);
}

}  // namespace kilotoken::bench
