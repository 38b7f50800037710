#include "serve/api/http_metrics.h"

#include <algorithm>
#include <array>

namespace kilotoken {
namespace {

const std::vector<double> kRouteSeconds = {.005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 300};
const std::vector<double> kAllSeconds = {.01, .025, .05, .075, .1,  .25, .5,  .75, 1,  1.5, 2,
                                         2.5, 3,    3.5, 4,    4.5, 5,   7.5, 10,  30, 60};
const std::vector<double> kBytes = {256, 1024, 4096, 16384, 65536, 262144, 1048576, 16777216};

// A client chooses the method's name: others than these are one series.
std::string_view known_method(std::string_view method) {
  constexpr std::array<std::string_view, 7> kKnown = {"GET",    "HEAD",  "POST",   "PUT",
                                                      "DELETE", "PATCH", "OPTIONS"};
  return std::find(kKnown.begin(), kKnown.end(), method) == kKnown.end() ? "other" : method;
}

}  // namespace

void HttpMetrics::count(const Exchange& exchange) {
  const std::string handler(exchange.handler), method(known_method(exchange.method));
  const std::string status = std::to_string(exchange.status / 100) + "xx";
  const double seconds = static_cast<double>(exchange.duration_ns) * 1e-9;
  metrics_
      .counter("http_requests_total", "Requests by route, method and class of status.",
               {{"handler", handler}, {"method", method}, {"status", status}})
      .add();
  metrics_
      .histogram("http_request_duration_seconds", "From a request to the end of its answer.",
                 kRouteSeconds, {{"handler", handler}, {"method", method}})
      .observe(seconds);
  metrics_
      .histogram("http_request_duration_highr_seconds",
                 "From a request to the end of its answer, all routes together.", kAllSeconds)
      .observe(seconds);
  metrics_
      .histogram("http_request_size_bytes", "Bytes of requests' bodies.", kBytes,
                 {{"handler", handler}})
      .observe(static_cast<double>(exchange.request_bytes));
  metrics_
      .histogram("http_response_size_bytes", "Bytes of answers' bodies.", kBytes,
                 {{"handler", handler}})
      .observe(static_cast<double>(exchange.response_bytes));
}

}  // namespace kilotoken
