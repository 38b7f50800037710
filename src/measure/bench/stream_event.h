#pragma once
// StreamEvent: what the benchmark needs of one event of an OpenAI stream, found in one walk over
// its JSON without building it. Views point into the text.

#include <cstdint>
#include <string>
#include <string_view>

namespace kilotoken::bench {

struct StreamEvent {
  // Of the first choice; as written, still with JSON's escapes.
  std::string_view text, reasoning, finish_reason;
  bool tool_call = false;  // a piece of a tool call
  int choices = 0;
  int token_ids = 0;  // how many "token_ids" lists
  int64_t prompt_tokens = -1, completion_tokens = -1, cached_tokens = -1;
  std::string_view id, error, timings;  // the JSON of these; error is empty if null

  bool carries_text() const { return !text.empty() || !reasoning.empty() || tool_call; }
};

// False: it is not one JSON object (broken, cut off, nested too deep), or counts what cannot be.
bool parse_stream_event(std::string_view json, StreamEvent& event);

// The text that a JSON string stands for, appended; `raw` is what stands between the quotes.
void append_unescaped(std::string_view raw, std::string& text);

}  // namespace kilotoken::bench
