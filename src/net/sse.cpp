#include "net/sse.h"

#include "base/check.h"

namespace kilotoken {

std::string sse_event(std::string_view json) {
  KT_CHECK(json.find_first_of("\r\n") == json.npos, "an event's data is one line");
  std::string event;
  event.reserve(json.size() + 8);
  event.append("data: ").append(json).append("\n\n");
  return event;
}

std::string sse_done() { return "data: [DONE]\n\n"; }

}  // namespace kilotoken
