#pragma once
// The whole server in this process: the built-in model behind the HTTP interface, on a free port.

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/http_client.h"
#include "net/server.h"
#include "serve/api/api.h"
#include "serve/api/engine_metrics.h"

namespace kilotoken::test {

struct ServedOptions {
  std::string model = "demo";
  int max_num_seqs = 8;
  int max_waiting = 64;
  int max_model_len = 256;
  bool strict_params = false;
  std::vector<std::string> api_keys = {};
  CorsConfig cors = {};
  int stall_timeout_s = 120;
  ChatConfig chat{};
  std::optional<std::string> chat_template{};
  std::vector<std::string> shared_prefixes = {};
  size_t max_pending_output_bytes = 8 << 20;
  int64_t kv_cache_memory_bytes = 64 << 20;
  int tokenizer_threads = 1;
};

class Served {
 public:
  explicit Served(const ServedOptions& options = {})
      : engine_metrics_(metrics_, "demo"), model_(load(options)) {
    engine_metrics_.model_loaded(model_->max_model_len());
    ApiConfig config;
    config.served_model_names = {"demo", "alias", "family/model"};
    config.strict_params = options.strict_params;
    config.api_keys = options.api_keys;
    config.cors = options.cors;
    config.stall_timeout_s = options.stall_timeout_s;
    config.version = "1.2.3";
    config.chat = options.chat;
    config.shared_prefixes = options.shared_prefixes;
    config.tokenizer_pool.threads = options.tokenizer_threads;
    api_ = std::make_unique<Api>(config, *model_, metrics_, clock_);
    HttpServerConfig http;
    http.port = 0;
    http.max_pending_output_bytes = options.max_pending_output_bytes;
    server_ = std::make_unique<HttpServer>(http, *api_);
    port_ = server_->start().value();
  }
  ~Served() {
    model_->engine().stop();
    server_->stop();
  }

  int port() const { return port_; }
  Api& api() { return *api_; }
  ServedModel& model() { return *model_; }

 private:
  std::unique_ptr<ServedModel> load(const ServedOptions& options) {
    ServeOptions serve;
    serve.model = options.model;
    serve.max_num_seqs = options.max_num_seqs;
    serve.max_waiting = options.max_waiting;
    serve.max_model_len = options.max_model_len;
    serve.kv_cache_memory_bytes = options.kv_cache_memory_bytes;
    serve.threads = 2;
    serve.seed = 1;
    serve.chat_template = options.chat_template;
    if (const char* isa = std::getenv("KILOTOKEN_ISA")) serve.isa = isa;
    return ServedModel::load(serve, {clock_, log_, &engine_metrics_, {}}).value();
  }

  const SystemClock clock_;
  const Log log_{Log::Level::kWarn};
  MetricsRegistry metrics_;
  EngineMetrics engine_metrics_;
  std::unique_ptr<ServedModel> model_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

// Tests of a suite that share one server.
class SharedServed : public testing::Test {
 protected:
  static void SetUpTestSuite() { served_ = std::make_unique<Served>(); }
  static void TearDownTestSuite() { served_.reset(); }

  static inline std::unique_ptr<Served> served_;
};

}  // namespace kilotoken::test
