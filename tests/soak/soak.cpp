// 32 clients for a minute, most of them rude: they vanish before, during and right after an answer,
// politely or with a reset. At the end nothing may be left: no sequence, no page. Meant to be run
// under ThreadSanitizer and AddressSanitizer.
//
// usage: kt_soak SECONDS

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/server.h"
#include "serve/api/api.h"
#include "serve/api/engine_metrics.h"

namespace kilotoken::test {
namespace {

using namespace std::chrono_literals;

constexpr int kClients = 32;

enum Manner { kPatient, kHalfClosed, kLeavesMidway, kResetsMidway, kLeavesAtOnce, kManners };
constexpr const char* kMannerNames[kManners] = {"read to the end", "sent half closed",
                                                "left midway", "reset midway", "left at once"};

struct Tally {
  std::array<std::atomic<int>, kManners> done{};
  std::atomic<int> wrong{0};
};

// How long a client that hears nothing waits before it looks whether the engine works at all.
constexpr int kPatienceSeconds = 60;

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit{kPatienceSeconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

// Reads up to `limit` bytes, or to the end. A server that hangs is an answer too, a wrong one; but
// under a sanitizer the queue takes longer than any time that could be named here, so a client
// gives up only when the engine made no step while it waited. One request that is forgotten shows
// when the other clients are done and the engine has nothing left to do.
std::string read_some(int fd, size_t limit, const EngineThread& engine) {
  std::string text;
  char buffer[4096];
  while (text.size() < limit) {
    const int64_t steps = engine.load().steps;
    const ssize_t got = recv(fd, buffer, std::min(sizeof buffer, limit - text.size()), 0);
    if (got < 0 && errno == EAGAIN && engine.load().steps != steps) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

std::string request_text(std::mt19937& random, bool stream) {
  std::string prompt = "Once upon a time";
  for (uint32_t i = random() % 60; i > 0; --i) prompt += " there was a little fox";
  const std::string body =
      R"({"model":"demo","prompt":")" + prompt + R"(","max_tokens":)" +
      std::to_string(1 + random() % 120) + R"(,"n":)" + std::to_string(1 + random() % 3) +
      R"(,"temperature":0.8,"ignore_eos":true,"stream":)" + (stream ? "true" : "false") + "}";
  return "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
         "content-type: application/json\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

bool is_whole(std::string_view answer, bool stream) {
  // The server probes a half-closed connection with an interim answer, which every client skips.
  constexpr std::string_view kInterim = "HTTP/1.1 100 Continue\r\n\r\n";
  while (answer.starts_with(kInterim)) answer.remove_prefix(kInterim.size());
  if (answer.starts_with("HTTP/1.1 429")) return true;
  if (!answer.starts_with("HTTP/1.1 200")) return false;
  return answer.find(stream ? "data: [DONE]" : "\"usage\"") != answer.npos;
}

void visit(int port, const EngineThread& engine, std::mt19937& random, Tally& tally) {
  const auto manner = static_cast<Manner>(random() % kManners);
  const bool stream = random() % 4 != 0;
  const int fd = connect_to(port);
  const std::string request = request_text(random, stream);
  if (fd < 0 || send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
                    static_cast<ssize_t>(request.size())) {
    ++tally.wrong;
    if (fd >= 0) close(fd);
    return;
  }
  if (manner == kHalfClosed) shutdown(fd, SHUT_WR);
  if (manner == kPatient || manner == kHalfClosed) {
    const std::string answer = read_some(fd, size_t{1} << 30, engine);
    if (!is_whole(answer, stream)) {
      ++tally.wrong;
      std::fprintf(stderr, "not a whole answer: %.300s\n", answer.c_str());
    }
  } else if (manner != kLeavesAtOnce) {
    read_some(fd, 100 + random() % 3000, engine);
  }
  if (manner == kResetsMidway) {
    const linger reset{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  close(fd);
  ++tally.done[manner];
}

bool wait_until_idle(EngineThread& engine) {
  for (int i = 0; i < 500; ++i) {
    const EngineThread::Load load = engine.load();
    if (engine.idle() && load.pages_used == 0 && load.running == 0 && load.waiting == 0)
      return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

int run(int seconds) {
  const SystemClock clock;
  const Log log(Log::Level::kWarn);
  MetricsRegistry metrics;
  EngineMetrics engine_metrics(metrics, "demo");
  ServeOptions options;
  options.model = "demo";
  options.max_model_len = 1024;
  options.max_num_seqs = 24;
  options.max_num_batched_tokens = 128;
  options.max_waiting = 40;
  options.threads = 2;
  if (const char* isa = std::getenv("KILOTOKEN_ISA")) options.isa = isa;
  auto loaded = ServedModel::load(options, {clock, log, &engine_metrics, {}});
  if (!loaded.ok()) {
    std::fprintf(stderr, "%s\n", loaded.error().message.c_str());
    return 1;
  }
  // Loaded again with hardly more pages than one full sequence needs (a page's size is the model's
  // to say), so that preemption is part of the weather.
  options.kv_cache_memory_bytes = static_cast<int64_t>((*loaded)->kv().spec().page_bytes() * 20);
  loaded = ServedModel::load(options, {clock, log, &engine_metrics, {}});
  ServedModel& model = **loaded;
  engine_metrics.model_loaded(model.max_model_len());
  ApiConfig config;
  config.served_model_names = {"demo"};
  Api api(config, model, metrics, clock);
  HttpServerConfig http;
  http.port = 0;
  HttpServer server(http, api);
  const int port = server.start().value();

  Tally tally;
  std::vector<std::thread> clients;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      std::mt19937 random(static_cast<uint32_t>(i));
      while (std::chrono::steady_clock::now() < deadline)
        visit(port, model.engine(), random, tally);
    });
  }
  for (std::thread& client : clients) client.join();
  const bool idle = wait_until_idle(model.engine());
  const EngineThread::Load load = model.engine().load();
  bool good = idle && tally.wrong == 0 && load.preemptions > 0;
  std::printf("kernels %s\n", std::string(model.kernels_name()).c_str());
  for (int manner = 0; manner < kManners; ++manner) {
    const auto index = static_cast<size_t>(manner);
    std::printf("%-18s %6d\n", kMannerNames[manner], tally.done[index].load());
    good &= tally.done[index] > 0;
  }
  std::printf(
      "preemptions %lld, steps %lld, wrong answers %d, pages in use at the end %d of %d: %s\n",
      static_cast<long long>(load.preemptions), static_cast<long long>(load.steps),
      tally.wrong.load(), load.pages_used, load.page_count, good ? "ok" : "FAILED");
  server.stop();
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main(int argc, char** argv) { return kilotoken::test::run(argc > 1 ? std::atoi(argv[1]) : 60); }
