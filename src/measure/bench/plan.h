#pragma once
// Plan: what a run will send and when, worked out before the first byte goes out. The same plan is
// printed, hashed, and sent.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilotoken::bench {

// A prompt as text or as token ids (one of them).
struct Turn {
  std::string text;
  std::vector<int32_t> ids;
  int input_tokens = 0;  // as planned, of this turn alone; 0: not known without a tokenizer
  int max_tokens = 0;
  int64_t think_ns = 0;  // between the end of the turn before and this one
};

// One request, or several in a conversation: each turn holds all that was said before it, the
// server's answers included.
struct Session {
  std::vector<Turn> turns;
  int klass = 0;
  std::string system;  // of a chat; empty: none
  int64_t due_ns = 0;  // of the first turn, from the start of the run
};

struct Plan {
  std::vector<Session> sessions;  // by due time
  std::vector<std::string> classes = {"all"};
  bool open_loop = false;  // due times are the load; else a session begins when there is room
  // What the user should know of how it came about: parameters, what was scaled and why.
  std::vector<std::string> notes;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string data_sha256;  // of the data file; empty: the data is made from the seed

  size_t request_count() const {
    size_t count = 0;
    for (const Session& session : sessions) count += session.turns.size();
    return count;
  }
};

// Of every request's content, lengths and due time: equal plans have equal hashes.
std::string schedule_sha256(const Plan& plan);

std::string sha256_hex(std::string_view bytes);

}  // namespace kilotoken::bench
