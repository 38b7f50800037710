#pragma once
// HttpMetrics: requests, their durations and sizes by route, under the names of
// prometheus-fastapi-instrumentator, which vLLM's servers and dashboards use.

#include <cstdint>
#include <string_view>

#include "base/metrics.h"

namespace kilotoken {

class HttpMetrics {
 public:
  explicit HttpMetrics(MetricsRegistry& metrics) : metrics_(metrics) {}

  struct Exchange {
    std::string_view handler;  // a route's path; "none" for what no route takes
    std::string_view method;
    int status = 0;
    int64_t duration_ns = 0;                       // to the end of the answer
    size_t request_bytes = 0, response_bytes = 0;  // of the bodies
  };
  void count(const Exchange& exchange);

 private:
  MetricsRegistry& metrics_;
};

}  // namespace kilotoken
