// kilotoken serve MODEL: listens, loads, serves until SIGTERM or SIGINT, drains, ends.

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <thread>

#include "cli/commands.h"
#include "cli/greeting.h"
#include "cli/model_options.h"
#include "cli/server_options.h"
#include "net/server.h"
#include "serve/api/api.h"
#include "serve/api/engine_metrics.h"

namespace kilotoken {
namespace {

struct Options {
  ServeOptions model;
  ServerOptions server;
};

// Listening before loading finds a taken port at once, and lets health checks see a server that is
// not ready yet instead of none.
class WhileLoading final : public HttpHandler {
 public:
  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) override {
    if (HttpHandler* ready = ready_.load()) return ready->handle(std::move(request), response);
    const bool alive = request.path == "/health/live";
    if (alive) return response->send({200, {}, ""});
    HttpResponse loading =
        error_response(503, "server_error", "the model is still loading", {}, "loading");
    loading.headers.emplace_back("retry-after", "5");
    response->send(std::move(loading));
  }
  void refused(const HttpRequest& request, HttpResponse& response) override {
    if (HttpHandler* ready = ready_.load()) ready->refused(request, response);
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

// Loading, which can take minutes, ends with the program when a signal comes: nothing runs yet that
// should come to its end.
std::function<void(int64_t, int64_t)> loading_until(const StopSignals& signals, const Log& log) {
  return [&signals, &log, show = loading_progress()](int64_t done, int64_t total) {
    if (signals.arrived_within(std::chrono::milliseconds(0))) {
      log.info("stopped while loading");
      std::_Exit(EXIT_SUCCESS);
    }
    if (show) show(done, total);
  };
}

// Lets what runs come to its end; a second signal, or the timeout, cuts it short.
void drain(Api& api, EngineThread& engine, const ServerOptions& options, const StopSignals& signals,
           const Log& log) {
  api.drain();
  log.info("stopping: " + std::to_string(engine.in_flight()) + " sequences may finish within " +
           std::to_string(options.shutdown_timeout_s) + " s");
  constexpr std::chrono::milliseconds kPoll(20);
  const int polls = options.shutdown_timeout_s * 1000 / static_cast<int>(kPoll.count());
  // In this order: what the interface has accepted goes to the engine before it counts as idle.
  for (int i = 0; i < polls && !(api.idle() && engine.idle()); ++i) {
    if (signals.arrived_within(kPoll)) break;
  }
  engine.drain();
  if (!engine.idle()) {
    log.warn("cut off: " + std::to_string(engine.in_flight()) + " sequences were still running");
  }
}

Result<void> serve(Options& options) {
  ServerOptions& server_options = options.server;
  KT_TRY_VOID(check_server_options(server_options));
  const StopSignals signals;  // before any thread is started
  const SystemClock clock;
  const Log log(server_options.log_level, server_options.log_form);
  WhileLoading front;
  HttpServer server(server_options.http, front);
  KT_TRY(const int port, server.start());
  MetricsRegistry metrics;
  ApiConfig& config = server_options.api;
  if (config.served_model_names.empty()) config.served_model_names = {options.model.model};
  config.version = KILOTOKEN_VERSION;
  config.log = &log;
  EngineMetrics engine_metrics(metrics, config.served_model_names.front());
  log.info("listening at port " + std::to_string(port) + ", loading " + options.model.model);
  KT_TRY(
      const std::unique_ptr<ServedModel> model,
      ServedModel::load(options.model, {clock, log, &engine_metrics, loading_until(signals, log)}));
  if (!config.shared_prefixes.empty() && !model->tokenizer()) {
    return invalid("--shared-prefix: this model has no tokenizer to turn the text into tokens");
  }
  engine_metrics.model_loaded(model->max_model_len());
  Api api(config, *model, metrics, clock);
  front.ready(api);
  const std::string url = "http://" + server_options.http.host + ":" + std::to_string(port);
  log.info("ready at " + url + "; try:");
  if (server_options.log_form == Log::Form::kText) {
    std::fputs(greeting(url, config.served_model_names.front(), *model).c_str(), stderr);
  }
  signals.wait();
  // Listening goes on while running requests finish, so that health checks hear 503 and not a
  // closed port.
  drain(api, model->engine(), server_options, signals, log);
  server.stop_accepting();
  model->engine().stop();
  log.info(model->step_timing().learned().describe());
  server.stop();
  return {};
}

void add_chat_options(CLI::App& command, Options& options) {
  ChatConfig& chat = options.server.api.chat;
  const std::string group = "Chat";
  command
      .add_option("--chat-template", options.model.chat_template,
                  "a file with a Jinja template, or the template itself; default: the model's own")
      ->group(group);
  const std::map<std::string, std::optional<ContentShape>> formats = {
      {"auto", std::nullopt}, {"string", ContentShape::kText}, {"openai", ContentShape::kParts}};
  command
      .add_option_function<std::string>(
          "--chat-template-content-format",
          [&chat, formats](const std::string& name) { chat.content_shape = formats.at(name); },
          "how templates get a message's content: string, openai (a list of parts), or auto (what "
          "the template loops over)")
      ->check(CLI::IsMember({"auto", "string", "openai"}))
      ->default_str("auto")
      ->group(group);
  command
      .add_option("--response-role", chat.response_role,
                  "the role of the message that an answer is")
      ->capture_default_str()
      ->group(group);
  command
      .add_flag("--trust-request-chat-template", chat.trust_request_template,
                "let requests bring a chat_template of their own")
      ->group(group);
}

}  // namespace

Command add_serve(CLI::App& program) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("serve", "Serve a model over the OpenAI API");
  add_model_options(*command, options->model);
  add_server_options(*command, options->server);
  add_chat_options(*command, *options);
  command
      ->add_option("--max-waiting", options->model.max_waiting,
                   "sequences that may wait beyond those running; more are answered 429")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20))
      ->group("Server");
  command
      ->add_option("--seed", options->model.seed,
                   "of the seeds of requests that give none; default: the operating system's")
      ->group("Server");
  return [options] { return serve(*options); };
}

}  // namespace kilotoken
