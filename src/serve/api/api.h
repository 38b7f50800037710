#pragma once
// Api: the OpenAI interface and its neighbours (health, metrics) over one served model. Routes are
// one table (routes.cpp); each route is a file of this folder.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/text/chat_template.h"
#include "net/http.h"
#include "serve/api/cors.h"
#include "serve/api/tokenizer_pool.h"
#include "serve/load/served_model.h"

namespace kilotoken {

struct ChatConfig {
  std::optional<ContentShape> content_shape;  // of messages, for the template; none: as it wants
  std::string response_role = "assistant";    // who speaks in answers
  bool trust_request_template = false;        // requests may bring a template
};

struct ApiConfig {
  std::vector<std::string> served_model_names;  // the first is shown, all are accepted
  bool strict_params = false;                   // unknown parameters are refused, not only listed
  TokenizerPoolConfig tokenizer_pool;
  std::vector<std::string> api_keys;  // none: no key is asked for; see ApiKeys::check
  CorsConfig cors;
  int stall_timeout_s = 120;  // a step that takes longer makes the server unhealthy
  std::string version;        // of kilotoken, for /version
  const Log* log = nullptr;   // one line for each request, if there is one; outlives the Api
  ChatConfig chat;
  // Texts that prompts may begin with and that are nobody's secret: cached for all keys together.
  std::vector<std::string> shared_prefixes{};
};

class Api final : public HttpHandler {
 public:
  Api(ApiConfig config, ServedModel& model, MetricsRegistry& metrics, const Clock& clock);
  ~Api() override;

  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) override;
  void refused(const HttpRequest& request, HttpResponse& response) override;
  void drain();       // new work is answered 503, readiness too; what runs goes on
  bool idle() const;  // every request accepted so far is with the engine, or answered

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kilotoken
