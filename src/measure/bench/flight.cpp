#include "measure/bench/flight.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace kilotoken::bench {
namespace {

Outcome outcome_of(int status) {
  if (status == 429) return Outcome::kTooMany;
  return status >= 500 ? Outcome::kServerError : Outcome::kClientError;
}

Outcome outcome_of(ClientEnd end) {
  switch (end) {
    case ClientEnd::kConnectFailed:
      return Outcome::kRefused;
    case ClientEnd::kTlsFailed:
      return Outcome::kTls;
    case ClientEnd::kBroken:
      return Outcome::kBrokenStream;
    default:
      return Outcome::kClosedEarly;
  }
}

void read_timings(std::string_view text, ServerTimes& times) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return;
  const auto number = [&](const char* name, auto& value) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_number()) return;  // null: it never came to that
    const double told = found->get<double>();
    if (told >= 0 && told < 1e9) value = static_cast<std::decay_t<decltype(value)>>(told);
  };
  number("queue_ms", times.queue_ms);
  number("prefill_ms", times.prefill_ms);
  number("decode_ms", times.decode_ms);
  number("tokenize_ms", times.tokenize_ms);
  number("preemptions", times.preemptions);
  number("preempted_ms", times.preempted_ms);
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace

std::string error_text(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  std::string text(body.substr(0, 300));
  if (json.is_object()) {
    const Json& error = json.contains("error") ? json.at("error") : json;
    if (error.is_object() && error.contains("message") && error.at("message").is_string()) {
      text = error.at("message").get<std::string>();
    } else if (error.is_string()) {
      text = error.get<std::string>();
    }
  }
  return one_line(std::move(text));
}

void Flight::on_head(int status, const HttpHeaders& headers, int64_t ns) {
  record.head_ns = last_news_ns = ns;
  record.status = status;
  for (const auto& [name, value] : headers) {
    if (name == "content-type") streams_ = value.starts_with("text/event-stream");
  }
}

void Flight::on_body(std::string_view piece, int64_t ns) {
  now_ns_ = last_news_ns = ns;
  if (record.status != 200 || !streams_) {
    refusal_.append(piece.substr(0, 4096 - std::min<size_t>(refusal_.size(), 4096)));
    return;
  }
  if (landed_ || sse_.read(piece, *this)) return;
  land(Outcome::kLineTooLong, "a line of the stream is longer than the limit of it", true);
}

void Flight::on_event(std::string_view data, std::string_view name) {
  if (landed_ || done_) return;
  ++events;
  if (data == "[DONE]") {
    done_ = true;
    return;
  }
  if (!parse_stream_event(data, event_)) {
    return land(Outcome::kBrokenStream,
                one_line("an event is not JSON, or counts what cannot be: " +
                         std::string(data.substr(0, 80))),
                true);
  }
  if (!event_.error.empty() || name == "error") {
    return land(Outcome::kErrorEvent, error_text(data), true);
  }
  if (!event_.finish_reason.empty()) record.finish_reason = event_.finish_reason;
  if (record.reply_id.empty()) record.reply_id = event_.id;
  if (!event_.timings.empty()) read_timings(event_.timings, record.server);
  append_unescaped(event_.text, record.text);
  note_tokens(event_);
}

// A chunk is an event that brings tokens: by its text, its ids, or the server's own count.
void Flight::note_tokens(const StreamEvent& event) {
  record.prompt_tokens = std::max(record.prompt_tokens, event.prompt_tokens);
  record.cached_tokens = std::max(record.cached_tokens, event.cached_tokens);
  int tokens = event.token_ids;
  const bool counted = event.completion_tokens >= 0;
  if (counted) {
    const int64_t before = std::max<int64_t>(record.usage_tokens, 0);
    if (event.choices > 0) tokens = static_cast<int>(event.completion_tokens - before);
    record.usage_tokens = event.completion_tokens;
  }
  token_ids_ += event.token_ids;
  if (event.choices == 0 || (!event.carries_text() && tokens <= 0)) return;
  tokens = std::max(tokens, 0);
  record.chunks.push_back({now_ns_, tokens});
  record.counted_tokens += tokens;
  record.content_events += event.carries_text();
  if (record.first_ns < 0) {
    record.first_ns = now_ns_;
    record.first_tokens = tokens;
  }
  record.last_ns = now_ns_;
  owner_.on_tokens(std::max(tokens, 1));
}

void Flight::on_end(ClientEnd end, const std::string& detail, int64_t ns) {
  now_ns_ = ns;
  if (landed_) return;
  // A server may close once it has said [DONE].
  if (end == ClientEnd::kComplete || (end == ClientEnd::kClosed && done_)) return land_answered();
  land(outcome_of(end), detail, false);
}

void Flight::land_answered() {
  if (record.status != 200) {
    return land(outcome_of(record.status),
                "HTTP " + std::to_string(record.status) + ": " + error_text(refusal_), false);
  }
  if (!streams_) {
    return land(Outcome::kBrokenStream, "the answer is no event stream: " + error_text(refusal_),
                false);
  }
  if (sse_.unfinished() || (!done_ && record.finish_reason.empty())) {
    return land(Outcome::kClosedEarly, "the stream ended without [DONE]", false);
  }
  const bool none = record.chunks.empty() && record.usage_tokens <= 0;
  land(none ? Outcome::kEmpty : Outcome::kOk, none ? "an answer without a token" : "", false);
}

void Flight::give_up(Outcome outcome, std::string why, int64_t ns) {
  now_ns_ = ns;
  if (!landed_) land(outcome, std::move(why), true);
}

void Flight::land(Outcome outcome, std::string why, bool broken) {
  landed_ = true;
  record.outcome = outcome;
  record.error = std::move(why);
  record.done_ns = now_ns_;
  if (record.usage_tokens >= 0) {
    record.output_tokens = record.usage_tokens;
    record.source = TokenSource::kUsage;
  } else if (token_ids_ > 0) {
    record.output_tokens = token_ids_;
    record.source = TokenSource::kTokenIds;
  }
  owner_.on_landed(*this, broken);
}

}  // namespace kilotoken::bench
