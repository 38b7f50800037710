#pragma once
// RequestBody: a turn of the plan as the bytes that an OpenAI-compatible server takes.

#include <optional>
#include <string>
#include <vector>

#include "measure/bench/plan.h"

namespace kilotoken::bench {

struct RequestShape {
  bool chat = false;  // messages, else a prompt
  std::string path;   // "/v1/completions"
  std::string model;
  bool ignore_eos = false;
  bool continuous_usage = true;  // counts in every event, which some servers do not know
  bool server_timings = false;   // our own server: ask for its times
  // Only those given are sent; the rest is the server's default.
  std::optional<double> temperature, top_p, min_p, frequency_penalty, presence_penalty,
      repetition_penalty;
  std::optional<int> top_k, logprobs;
  std::optional<int64_t> seed;
  std::string extra_json;  // an object whose members are added; checked when it was read
};

// What was said in a session so far, the server's answers included.
struct Said {
  std::vector<std::string> asked, answered;
};

// All of it as one text, or the bytes of its ids: what a completion sends as its prompt. In a chat
// the roles are marked in the server's way, and what begins alike here does so there.
std::string prompt_text(const Session& session, size_t turn, const Said& said);
// A chat's prompt and the answer to it, as the next turn's prompt_text() begins.
std::string answered_text(const std::string& prompt, const std::string& answer);

std::string request_body(const RequestShape& shape, const Session& session, size_t turn,
                         const Said& said);

}  // namespace kilotoken::bench
