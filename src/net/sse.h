#pragma once
// Server-sent events as the OpenAI interface uses them: one line of JSON an event, no event names.

#include <string>
#include <string_view>

namespace kilotoken {

// `json` must not contain a line break (JSON text that is not pretty-printed never does).
std::string sse_event(std::string_view json);
std::string sse_done();  // "data: [DONE]"

}  // namespace kilotoken
