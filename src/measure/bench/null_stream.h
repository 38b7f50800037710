#pragma once
// NullStream: the bytes that the null server says, event by event. Internal to it.

#include <string>

#include "measure/bench/null_server.h"

namespace kilotoken::bench {

// What a request asked for, as far as the null server cares.
struct NullRequest {
  bool chat = false;
  int max_tokens = 16;
  bool usage = false, continuous = false;
  int64_t prompt_tokens = 0;
  uint64_t prompt_hash = 0;  // of its beginning
  std::string id;
};

// A header's value in a request's head; empty: there is none.
std::string_view null_header(std::string_view head, std::string_view name);
NullRequest parse_null_request(std::string_view head, std::string_view body);

std::string null_stream_head();
std::string null_role_event();
// `sent`: tokens so far, these included.
std::string null_token_event(const NullRequest& request, int tokens, int sent, bool last);
// The counts, [DONE] and the end of the body.
std::string null_usage_event(const NullRequest& request, int64_t tokens, int64_t cached);
std::string null_done();
std::string null_long_line();
std::string null_chunk(std::string_view data);  // in HTTP's framing

// A whole answer that is no stream.
std::string null_answer(int status, std::string_view body);

}  // namespace kilotoken::bench
