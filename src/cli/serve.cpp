// kilotoken serve MODEL: listens, loads, serves until SIGTERM or SIGINT, drains, ends.

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "net/server.h"
#include "serve/api/api.h"
#include "serve/api/engine_metrics.h"

namespace kilotoken {
namespace {

struct ServerOptions {
  ServeOptions serve;
  HttpServerConfig http;
  std::vector<std::string> served_model_names;
  int shutdown_timeout_s = 30;
};

// Listening before loading finds a taken port at once, and lets health checks see a server that is
// not ready yet instead of none.
class WhileLoading final : public HttpHandler {
 public:
  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) override {
    if (HttpHandler* ready = ready_.load()) return ready->handle(std::move(request), response);
    const bool alive = request.path == "/health/live";
    response->send(alive ? HttpResponse{200, {}, ""}
                         : error_response(503, "server_error", "the model is still loading"));
  }
  void ready(HttpHandler& handler) { ready_ = &handler; }

 private:
  std::atomic<HttpHandler*> ready_{nullptr};
};

// SIGTERM and SIGINT are blocked in every thread and waited for in one.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int signal = 0;
    sigwait(&set_, &signal);
  }
  bool arrived_within(std::chrono::milliseconds time) const {
    const timespec limit{time.count() / 1000, time.count() % 1000 * 1'000'000};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_;
};

// Lets what runs come to its end; a second signal, or the timeout, cuts it short.
void drain(Api& api, EngineThread& engine, const ServerOptions& options, const StopSignals& signals,
           const Log& log) {
  api.drain();
  engine.drain();
  log.info("stopping: " + std::to_string(engine.in_flight()) + " sequences may finish within " +
           std::to_string(options.shutdown_timeout_s) + " s");
  constexpr std::chrono::milliseconds kPoll(20);
  const int polls = options.shutdown_timeout_s * 1000 / static_cast<int>(kPoll.count());
  for (int i = 0; i < polls && !engine.idle(); ++i) {
    if (signals.arrived_within(kPoll)) break;
  }
  if (!engine.idle()) {
    log.warn("cut off: " + std::to_string(engine.in_flight()) + " sequences were still running");
  }
}

void greet(const ServerOptions& options, int port, const std::string& model, const Log& log) {
  const std::string url = "http://" + options.http.host + ":" + std::to_string(port);
  log.info("ready at " + url + "; try:");
  std::fprintf(stderr,
               "\n  curl -sN %s/v1/completions -H 'content-type: application/json' \\\n"
               "    -d '{\"model\":\"%s\",\"prompt\":\"Once upon a time\",\"max_tokens\":80,"
               "\"stream\":true}'\n\n",
               url.c_str(), model.c_str());
}

Result<void> serve(const ServerOptions& options) {
  const StopSignals signals;  // before any thread is started
  const SystemClock clock;
  const Log log;
  WhileLoading front;
  HttpServer server(options.http, front);
  KT_TRY(const int port, server.start());
  MetricsRegistry metrics;
  std::vector<std::string> names = options.served_model_names;
  if (names.empty()) names.push_back(options.serve.model);
  EngineMetrics engine_metrics(metrics, names.front());
  KT_TRY(const std::unique_ptr<ServedModel> model,
         ServedModel::load(options.serve, {clock, log, &engine_metrics, loading_progress()}));
  Api api({names}, *model, metrics, clock);
  front.ready(api);
  greet(options, port, names.front(), log);
  signals.wait();
  // Listening goes on while running requests finish, so that health checks hear 503 and not a
  // closed port.
  drain(api, model->engine(), options, signals, log);
  server.stop_accepting();
  model->engine().stop();
  server.stop();
  return {};
}

}  // namespace

Command add_serve(CLI::App& program) {
  auto options = std::make_shared<ServerOptions>();
  CLI::App* command = program.add_subcommand("serve", "Serve a model over the OpenAI API");
  add_model_options(*command, options->serve);
  const std::string group = "Server";
  command->add_option("--host", options->http.host, "address to listen on")
      ->capture_default_str()
      ->group(group);
  command->add_option("--port", options->http.port, "0 = any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535))
      ->group(group);
  command
      ->add_option("--served-model-name", options->served_model_names,
                   "names that requests may use; default: MODEL as given")
      ->group(group);
  command
      ->add_option("--max-waiting", options->serve.max_waiting,
                   "sequences that may wait beyond those running; more are answered 429")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20))
      ->group(group);
  command
      ->add_option("--seed", options->serve.seed,
                   "of the seeds of requests that give none; default: the operating system's")
      ->group(group);
  command
      ->add_option("--shutdown-timeout", options->shutdown_timeout_s,
                   "seconds that running requests get to finish after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400))
      ->group(group);
  return [options] { return serve(*options); };
}

}  // namespace kilotoken
