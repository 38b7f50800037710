#pragma once
// The routes of the interface, and what they share. Internal to this room: api.cpp lists them.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "net/http.h"
#include "serve/api/api.h"
#include "serve/load/served_model.h"

namespace kilotoken {

class EngineGauges;

struct ApiContext {
  ApiConfig config;
  ServedModel& model;
  MetricsRegistry& metrics;
  const Clock& clock;
  EngineGauges& gauges;
  Counter& ignored_params;
  const int64_t started_unix_s;
  std::atomic<bool> draining{false};
  std::atomic<RequestId> next_request_id{1};

  bool serves(std::string_view model_name) const;
};

using WriterPtr = std::shared_ptr<ResponseWriter>;

void answer_completions(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_models(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_health(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_ready(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_metrics(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);

// An operating error as a response: its code decides the status.
HttpResponse to_response(const Error& error);
HttpResponse model_not_found(std::string_view model_name);
HttpResponse json_response(int status, std::string body);

}  // namespace kilotoken
