#pragma once
// The whole server in this process: the built-in model behind the HTTP interface, on a free port.

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "net/server.h"
#include "net/test_client.h"
#include "serve/api/api.h"
#include "serve/api/engine_metrics.h"

namespace kilotoken::test {

struct ServedOptions {
  int max_num_seqs = 8;
  int max_waiting = 64;
  int max_model_len = 256;
  bool strict_params = false;
};

class Served {
 public:
  explicit Served(const ServedOptions& options = {})
      : engine_metrics_(metrics_, "demo"), model_(load(options)) {
    ApiConfig config{{"demo", "alias"}, options.strict_params};
    api_ = std::make_unique<Api>(config, *model_, metrics_, clock_);
    HttpServerConfig http;
    http.port = 0;
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
    serve.model = "demo";
    serve.max_num_seqs = options.max_num_seqs;
    serve.max_waiting = options.max_waiting;
    serve.max_model_len = options.max_model_len;
    serve.kv_cache_memory_bytes = 64 << 20;
    serve.threads = 2;
    serve.seed = 1;
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

struct Answer {
  int status = 0;
  std::string headers;  // lower case names, as sent
  std::string body;     // chunks put together

  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  std::string header(const std::string& name) const {
    const size_t at = headers.find("\r\n" + name + ": ");
    if (at == headers.npos) return {};
    const size_t begin = at + name.size() + 4;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  }
};

// The bytes of a request, closing the connection after it.
inline std::string request_text(const std::string& method, const std::string& path,
                                const std::string& body = {}, const std::string& headers = {}) {
  return method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body;
}

inline Answer parse_answer(const std::string& text) {
  Answer answer;
  const size_t end = text.find("\r\n\r\n");
  if (end == text.npos) return answer;
  answer.status = std::atoi(text.c_str() + 9);
  answer.headers = text.substr(0, end + 2);
  std::string rest = text.substr(end + 4);
  if (answer.header("transfer-encoding") != "chunked") {
    answer.body = rest;
    return answer;
  }
  while (!rest.empty()) {
    const size_t line = rest.find("\r\n");
    const size_t size = std::stoul(rest, nullptr, 16);
    if (size == 0) break;
    answer.body += rest.substr(line + 2, size);
    rest.erase(0, line + 4 + size);
  }
  return answer;
}

inline Answer ask(int port, const std::string& text) {
  TestClient client(port);
  client.send(text);
  return parse_answer(client.read_to_end());
}

inline Answer complete(int port, const nlohmann::json& body) {
  return ask(port, request_text("POST", "/v1/completions", body.dump(),
                                "Content-Type: application/json\r\n"));
}

// The data of each event of a stream, "[DONE]" included.
inline std::vector<std::string> events(const std::string& body) {
  std::vector<std::string> data;
  for (size_t at = 0; at < body.size();) {
    const size_t end = body.find("\n\n", at);
    if (end == body.npos || body.compare(at, 6, "data: ") != 0) return {};
    data.push_back(body.substr(at + 6, end - at - 6));
    at = end + 2;
  }
  return data;
}

}  // namespace kilotoken::test
