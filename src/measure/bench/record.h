#pragma once
// RequestRecord: all that was seen of one request, in nanoseconds of the monotonic clock. Numbers
// that were not learned are negative.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kilotoken::bench {

enum class Outcome : uint8_t {
  kOk,
  kNotIssued,     // the run ended before its turn
  kDropped,       // over --max-in-flight at its moment: issued, and counted as failed
  kRefused,       // no connection
  kTls,           // no TLS, or a certificate that does not hold
  kTooMany,       // 429
  kClientError,   // other 4xx
  kServerError,   // 5xx
  kErrorEvent,    // an error within the stream
  kBrokenStream,  // no HTTP, no event stream, or events that are not JSON
  kLineTooLong,   // a line of the stream above the limit
  kClosedEarly,   // the stream ended before it was complete
  kEmpty,         // complete, and without a token
  kStalled,       // nothing came for --stall-timeout
  kTimedOut,      // not complete within --request-timeout
  kInterrupted,   // the run was stopped
};
std::string_view name_of(Outcome outcome);

// Events that carried at least one token, one entry each.
struct Chunk {
  int64_t at_ns = 0;
  int tokens = 0;  // 0: the server did not say
};

enum class TokenSource : uint8_t { kNone, kUsage, kTokenIds, kTokenizer, kChunks };
std::string_view name_of(TokenSource source);

// What our own server says of a request.
struct ServerTimes {
  double tokenize_ms = -1, queue_ms = -1, prefill_ms = -1, decode_ms = -1;
  int preemptions = 0;
  double preempted_ms = 0;  // within decode_ms: from the token before one to the token after it
  bool known() const { return queue_ms >= 0; }
};

struct RequestRecord {
  int index = 0;    // in order of issue
  int session = 0;  // of the plan
  int turn = 0;
  int klass = 0;             // of the plan's classes
  int64_t intended_ns = -1;  // when the schedule wanted it sent
  int64_t start_ns = -1;     // when the client took it up
  int64_t sent_ns = -1, head_ns = -1, first_ns = -1, last_ns = -1, done_ns = -1;
  // Until when no slot was free or the turn before was running: what lies between this and
  // start_ns is the client's own doing.
  int64_t ready_ns = -1;
  int planned_input = 0, max_tokens = 0;
  int64_t prompt_tokens = -1, cached_tokens = -1, usage_tokens = -1;
  int64_t output_tokens = -1;
  TokenSource source = TokenSource::kNone;
  int first_tokens = 0;  // in the first chunk that had any; 0: unknown
  std::vector<Chunk> chunks;
  int64_t content_events = 0, counted_tokens = 0;  // counted: the sum that the chunks say
  int status = 0;
  Outcome outcome = Outcome::kNotIssued;
  std::string error;  // one line
  std::string finish_reason, text, reply_id;
  ServerTimes server;

  bool ok() const { return outcome == Outcome::kOk; }
  bool issued() const { return outcome != Outcome::kNotIssued; }
};

}  // namespace kilotoken::bench
