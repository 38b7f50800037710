#pragma once
// LoadClient: sends a plan to a server and records what comes back, on threads of its own. It keeps
// the books on itself as well: how late it was, how much of a processor it took.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "measure/bench/plan.h"
#include "measure/bench/record.h"
#include "measure/bench/request_body.h"
#include "net/client.h"

namespace kilotoken::bench {

struct LoadOptions {
  std::shared_ptr<const ClientTarget> target;
  RequestShape shape;
  HttpHeaders headers;
  int threads = 1;
  int max_concurrency = 0;  // requests at once; more wait. 0: no limit
  int max_in_flight = 0;    // requests at once; more are dropped and counted. 0: no limit
  int64_t request_timeout_ns = 600'000'000'000;
  int64_t stall_timeout_ns = 120'000'000'000;
  int64_t duration_ns = 0;  // no request begins after it; 0: all of the plan
  size_t max_line_bytes = 8 << 20;
  std::string request_id_prefix;  // of the header x-request-id; empty: none is sent
};

struct ThreadHealth {
  double cpu_s = 0, wall_s = 0;
  double queued_s = 0;  // runnable, and waiting for a processor; negative: the system does not say
};

struct ClientHealth {
  std::vector<ThreadHealth> threads;
  std::vector<double> late_ms;  // of a beat every 10 ms: how much later than that it came
  int64_t events = 0, read_bytes = 0, reads = 0, connections = 0, resent = 0;

  double cpu_s() const;  // of all its threads
};

struct LoadRun {
  std::vector<RequestRecord> records;  // of requests issued, by index
  int64_t begin_ns = 0;
  bool interrupted = false;
  ClientHealth health;
};

// What a terminal shows meanwhile.
struct LoadProgress {
  std::atomic<int64_t> issued{0}, completed{0}, failed{0}, tokens{0};
};

// Blocks until every request has ended, or `stop` is set.
LoadRun run_load(const Plan& plan, const LoadOptions& options, const Clock& clock,
                 LoadProgress& progress, const std::atomic<bool>& stop);

}  // namespace kilotoken::bench
