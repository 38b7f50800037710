#include "serve/api/api.h"

#include <algorithm>

#include "base/rng.h"
#include "serve/api/answer_writer.h"
#include "serve/api/engine_gauges.h"
#include "serve/api/gate.h"
#include "serve/api/request_body.h"
#include "serve/api/tokenizer_pool.h"

namespace kilotoken {
namespace {

// The client's own, if it is short and plain, or one that we make.
std::string request_id_of(const HttpRequest& request) {
  constexpr size_t kMostBytes = 256;
  const std::string_view given = request.header("x-request-id");
  const bool plain =
      std::all_of(given.begin(), given.end(), [](char c) { return c >= 32 && c < 127; });
  if (!given.empty() && given.size() <= kMostBytes && plain) return std::string(given);
  return random_id("req-");
}

std::string_view handler_of(const Route* route) { return route ? route->path : "none"; }

}  // namespace

struct Api::State {
  State(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock)
      : gate(config),
        keys(config.api_keys),
        http_metrics(std::make_shared<HttpMetrics>(metrics)),
        gauges(metrics, config.served_model_names.front(), model),
        tokenizer_pool(config.tokenizer_pool, metrics),
        context{std::move(config),
                model,
                metrics,
                clock,
                gauges,
                tokenizer_pool,
                metrics.counter("kilotoken:ignored_params_total",
                                "Request parameters that were not known and had no effect."),
                metrics.counter("kilotoken:requests_refused_total",
                                "Requests answered 429, because a queue was at its limit.",
                                {{"reason", "queue_full"}}),
                keys,
                sha256(std::to_string(entropy_seed()) + " " + std::to_string(entropy_seed())),
                clock.unix_s()} {
    context.sharing = PromptSharing(context, context.config.shared_prefixes);
  }

  HttpHeaders common_headers(const HttpRequest& request) const {
    HttpHeaders headers{{"x-request-id", request_id_of(request)}};
    gate.cors().add_headers(request, headers);
    return headers;
  }

  const Gate gate;
  const ApiKeys keys;
  const std::shared_ptr<HttpMetrics> http_metrics;
  EngineGauges gauges;
  TokenizerPool tokenizer_pool;
  ApiContext context;
};

Api::Api(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock) {
  KT_CHECK(!config.served_model_names.empty(), "a served model has a name");
  state_ = std::make_unique<State>(std::move(config), model, metrics, clock);
}

Api::~Api() { state_->tokenizer_pool.stop(); }

void Api::handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) {
  const Route* route = find_route(request.path);
  const WriterPtr writer = std::make_shared<AnswerWriter>(
      std::move(response), AnswerStart{state_->common_headers(request), handler_of(route),
                                       request.method, request.body.size(), state_->context.clock,
                                       state_->http_metrics, state_->context.config.log});
  if (auto stopped = state_->gate.stop(request, route)) return writer->send(std::move(*stopped));
  route->answer(state_->context, request, writer);
}

void Api::refused(const HttpRequest& request, HttpResponse& response) {
  for (auto& header : state_->common_headers(request)) {
    response.headers.push_back(std::move(header));
  }
  state_->http_metrics->count({handler_of(find_route(request.path)), request.method,
                               response.status, 0, 0, response.body.size()});
}

void Api::drain() { state_->context.draining = true; }

bool Api::idle() const { return state_->tokenizer_pool.idle(); }

}  // namespace kilotoken
