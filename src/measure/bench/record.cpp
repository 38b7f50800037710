#include "measure/bench/record.h"

#include <array>

namespace kilotoken::bench {

std::string_view name_of(Outcome outcome) {
  constexpr std::array<std::string_view, 16> kNames = {
      "ok",           "not_issued", "dropped",     "refused",       "tls",           "http_429",
      "http_4xx",     "http_5xx",   "error_event", "broken_stream", "line_too_long", "closed_early",
      "empty_answer", "stalled",    "timed_out",   "interrupted"};
  return kNames.at(static_cast<size_t>(outcome));
}

std::string_view name_of(TokenSource source) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "usage", "token_ids", "tokenizer",
                                                      "chunks"};
  return kNames.at(static_cast<size_t>(source));
}

}  // namespace kilotoken::bench
