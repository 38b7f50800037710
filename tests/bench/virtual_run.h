#pragma once
// A run in virtual time: what the null server would say, byte by byte, at moments worked out
// beforehand, read by the client's own parsers into its own records. No clock is read and nothing
// waits, so that what else the machine does is no part of it.

#include "measure/bench/load_client.h"
#include "measure/bench/validity.h"

namespace kilotoken::bench::test {

struct VirtualServer {
  double ttft_ms = 60, itl_ms = 2;
  int tokens_per_event = 1;
  double slower = 1;      // TTFT of the second half of the run is so many times that
  int cold_requests = 0;  // so many first ones ...
  double cold_ms = 0;     // ... take so much longer
  int64_t prompt_tokens = 1000, cached_tokens = 0;  // as it says of each request
  int refused = 0, miscounted = 0;  // so many first ones get a 429, or half their count
};

struct VirtualClient {
  double lag_ms = 0;  // of each send behind the moment when it could have been
  double beat_late_ms = 0;
  double busy = 0.02;  // of its thread's time
  int slots = 32;
};

struct VirtualLoad {
  size_t count = 700;
  int tokens = 4;
  double rate = 0;  // of a constant schedule; 0: closed loop
};

struct VirtualRun {
  Plan plan;
  LoadRun run;
  Summary summary;
  std::vector<Badge> badges;
  double oracle_hit_rate = 0;
  std::vector<std::string> raised() const;
};

VirtualRun run_virtually(const VirtualServer& server, const VirtualClient& client = {},
                         const VirtualLoad& load = {});

}  // namespace kilotoken::bench::test
