#include "serve/api/api.h"

#include <algorithm>
#include <array>

#include "base/rng.h"
#include "serve/api/engine_gauges.h"
#include "serve/api/routes.h"

namespace kilotoken {
namespace {

struct Route {
  std::string_view method, path;
  void (*answer)(ApiContext&, const HttpRequest&, const WriterPtr&);
  bool prefix = false;  // "path/..." belongs to it as well
};

constexpr std::array kRoutes = {
    Route{"POST", "/v1/completions", answer_completions},
    Route{"GET", "/v1/models", answer_models, true},
    Route{"GET", "/health", answer_health},
    Route{"GET", "/health/live", answer_health},
    Route{"GET", "/health/ready", answer_ready},
    Route{"GET", "/metrics", answer_metrics},
};

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    const bool below = route.prefix && path.starts_with(route.path) &&
                       path.size() > route.path.size() && path[route.path.size()] == '/';
    if (path == route.path || below) return &route;
  }
  return nullptr;
}

// Every answer carries the client's x-request-id, or one that we make.
class TaggedWriter final : public ResponseWriter {
 public:
  TaggedWriter(std::shared_ptr<ResponseWriter> inner, std::string request_id)
      : inner_(std::move(inner)), request_id_(std::move(request_id)) {}

  void send(HttpResponse response) override {
    response.headers.emplace_back("x-request-id", request_id_);
    inner_->send(std::move(response));
  }
  void begin_stream(int status, HttpHeaders headers) override {
    headers.emplace_back("x-request-id", request_id_);
    inner_->begin_stream(status, std::move(headers));
  }
  void write(std::string data) override { inner_->write(std::move(data)); }
  void end() override { inner_->end(); }
  void abort() override { inner_->abort(); }
  void on_closed(std::function<void()> callback) override {
    inner_->on_closed(std::move(callback));
  }
  bool closed() const override { return inner_->closed(); }

 private:
  const std::shared_ptr<ResponseWriter> inner_;
  const std::string request_id_;
};

std::string request_id_of(const HttpRequest& request) {
  constexpr size_t kMostBytes = 256;
  const std::string_view given = request.header("x-request-id");
  if (!given.empty() && given.size() <= kMostBytes) return std::string(given);
  return "req-" + std::to_string(entropy_seed());
}

}  // namespace

struct Api::State {
  State(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock)
      : gauges(metrics, config.served_model_names.front(), model),
        context{std::move(config),
                model,
                metrics,
                clock,
                gauges,
                metrics.counter("kilotoken:ignored_params_total",
                                "Request parameters that were not known and had no effect."),
                clock.unix_s()} {}

  EngineGauges gauges;
  ApiContext context;
};

Api::Api(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock) {
  KT_CHECK(!config.served_model_names.empty(), "a served model has a name");
  state_ = std::make_unique<State>(std::move(config), model, metrics, clock);
}

Api::~Api() = default;

void Api::handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) {
  const WriterPtr writer =
      std::make_shared<TaggedWriter>(std::move(response), request_id_of(request));
  const Route* route = find_route(request.path);
  if (!route) {
    return writer->send(error_response(
        404, "not_found_error", "there is no " + request.path + " here", {}, "unknown_route"));
  }
  const bool head_of_get = request.method == "HEAD" && route->method == "GET";
  if (request.method != route->method && !head_of_get) {
    HttpResponse refused = error_response(
        405, "invalid_request_error",
        request.path + " takes " + std::string(route->method) + ", not " + request.method, {},
        "method_not_allowed");
    refused.headers.emplace_back("allow", route->method);
    return writer->send(std::move(refused));
  }
  route->answer(state_->context, request, writer);
}

void Api::drain() { state_->context.draining = true; }

}  // namespace kilotoken
