#pragma once
// NullServer: speaks the OpenAI stream without a model. What it sends and when is known beforehand,
// one event a write, and every moment of it is logged: the truth that the client's numbers are held
// against. It can also misbehave.

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace kilotoken::bench {

enum class NullFault : uint8_t {
  kNone,
  kReset,    // closes the connection instead of an answer
  kNotHttp,  // answers, but not in HTTP
  kStatus500,
  kStatus429,
  kStall,       // falls silent in the middle of the stream
  kBrokenSse,   // an event that is not JSON
  kErrorEvent,  // an error within the stream
  kCloseEarly,  // closes in the middle of the stream
  kLongLine,    // an event of 100 MB
  kNoUsage,     // says no counts at all
  kWrongUsage,  // says half of the tokens that it sent
  kEmpty,       // ends without a token
};

struct NullServerOptions {
  int port = 0;         // 0: any free one
  int64_t ttft_us = 0;  // from the request, or from its slot, to the first token
  int64_t itl_us = 0;   // between events; 0: as fast as it goes
  int tokens_per_event = 1;
  int max_running = 0;      // requests served at once, the others wait in order; 0: no limit
  bool role_event = false;  // an event without a token comes first, at once
  // A prompt whose beginning was seen before takes this instead of ttft_us; negative: no such
  // cache.
  int64_t warm_ttft_us = -1;
  int cold_requests = 0;  // so many first requests ...
  int64_t cold_us = 0;    // ... take so much longer
  double drift = 0;       // each second of the run makes ttft longer by this share of it
  int64_t stall_at_us = 0, stall_us = 0;  // after the first request everything stands still once
  NullFault fault = NullFault::kNone;
  int fault_every = 1;   // of so many requests one is hit
  std::string log_path;  // a line of JSON for each request, and for the stall
};

Result<NullFault> parse_null_fault(const std::string& name);

class NullServer {
 public:
  NullServer(const NullServerOptions& options, const Clock& clock);
  ~NullServer();

  Result<int> start();  // listens; the port
  void run();           // until stop()
  void stop();          // any thread, and signal handlers

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kilotoken::bench
