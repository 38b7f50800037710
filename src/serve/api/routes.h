#pragma once
// The routes of the interface, and what they share. Internal to this room: routes.cpp lists them.

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/sha256.h"
#include "net/http.h"
#include "serve/api/api.h"
#include "serve/api/api_keys.h"
#include "serve/api/prompt_sharing.h"
#include "serve/load/served_model.h"

namespace kilotoken {

class EngineGauges;
class TokenizerPool;

struct ApiContext {
  ApiConfig config;
  ServedModel& model;
  MetricsRegistry& metrics;
  const Clock& clock;
  EngineGauges& gauges;
  TokenizerPool& tokenizer_pool;
  Counter& ignored_params;
  Counter& refused_full;
  const ApiKeys& keys;
  const Sha256 hash_key;  // of hashes that are shown, so that nobody can try prompts against them
  const int64_t started_unix_s;
  PromptSharing sharing{};
  std::atomic<bool> draining{false};
  std::atomic<RequestId> next_request_id{1};

  bool serves(std::string_view model_name) const;
};

using WriterPtr = std::shared_ptr<ResponseWriter>;

struct Route {
  std::string_view method, path;
  void (*answer)(ApiContext&, const HttpRequest&, const WriterPtr&);
  bool prefix = false;  // "path/..." belongs to it as well
  bool open = false;    // for everybody, without a key
};

const Route* find_route(std::string_view path);  // null when there is none

void answer_chat(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_completions(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_models(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_health(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_ready(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_metrics(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_tokenize(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_detokenize(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_page(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_cache(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);
void answer_version(ApiContext& context, const HttpRequest& request, const WriterPtr& writer);

// An operating error as a response: its code decides the status.
HttpResponse to_response(const Error& error);
Error no_such_model(std::string_view model_name);
HttpResponse model_not_found(std::string_view model_name);
HttpResponse json_response(int status, std::string body);

}  // namespace kilotoken
