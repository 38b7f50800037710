#pragma once
// Calibration: what the client itself can do on this machine, against the null server.

#include <atomic>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace kilotoken::bench {

struct Calibration {
  double events_per_s = 0;        // as fast as both sides go
  double events_per_core_s = 0;   // of the client's own processor time
  double requests_per_s = 0;      // of one token each
  double paced_events_per_s = 0;  // in a run like those that are measured
  double paced_cpu_per_1000 = 0;  // share of a core for 1,000 events a second
  double paced_late_p99_ms = 0;   // of the client's beat
};

Result<Calibration> calibrate(int threads, const Clock& clock, const std::atomic<bool>& stop);
std::string calibration_text(const Calibration& calibration);
OrderedJson calibration_json(const Calibration& calibration);

}  // namespace kilotoken::bench
