#include "net/server.h"

#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "net/connection.h"

namespace kilotoken {

namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

namespace {

// How long accepting pauses when the process is out of file descriptors.
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

// Connections beyond the limit that are told so, at one time; more are closed without a word.
constexpr size_t kRefusedAtOnce = 64;

Error cannot_listen(const HttpServerConfig& config, const error_code& error) {
  const std::string port = std::to_string(config.port);
  if (error == asio::error::address_in_use) {
    return {ErrorCode::kIo,
            "port " + port + " on " + config.host +
                " is in use: stop what listens there, or choose another with --port",
            "port"};
  }
  return {ErrorCode::kIo,
          "cannot listen on " + config.host + " port " + port + ": " + error.message() +
              ": choose another address with --host or port with --port",
          "host"};
}

}  // namespace

struct HttpServer::State {
  State(const HttpServerConfig& config, HttpHandler& handler)
      : shared(std::make_shared<ServerShared>(config, handler)),
        acceptor(asio::make_strand(io)),
        pause(acceptor.get_executor()) {}

  const std::shared_ptr<ServerShared> shared;
  asio::io_context io;
  // The threads run on when the last connection has closed, until stop().
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  Tcp::acceptor acceptor;    // used on its strand once the threads run
  asio::steady_timer pause;  // after an accept that failed
  std::vector<std::thread> threads;

  Result<int> listen() {
    const HttpServerConfig& config = shared->config;
    error_code error;
    const auto found = Tcp::resolver(io).resolve(config.host, std::to_string(config.port),
                                                 Tcp::resolver::passive, error);
    if (error) return cannot_listen(config, error);
    // "localhost" may stand for ::1 as well; clients expect to find it at 127.0.0.1.
    Tcp::endpoint endpoint = found.begin()->endpoint();
    for (const auto& entry : found) {
      if (entry.endpoint().address().is_v4()) endpoint = entry.endpoint();
    }
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(Tcp::acceptor::max_listen_connections, error);
    if (error) return cannot_listen(config, error);
    return int{acceptor.local_endpoint().port()};
  }

  void accept() {
    acceptor.async_accept(asio::make_strand(io), [this](error_code error, Tcp::socket socket) {
      if (!acceptor.is_open()) return;
      if (error) {
        pause.expires_after(kAcceptPause);
        pause.async_wait([this](error_code cancelled) {
          if (!cancelled && acceptor.is_open()) accept();
        });
        return;
      }
      open(std::move(socket));
      accept();
    });
  }

  void open(Tcp::socket socket) {
    const HttpServerConfig& config = shared->config;
    auto connection = std::make_shared<Connection>(std::move(socket), shared);
    size_t others = 0;
    {
      const std::lock_guard lock(shared->mutex);
      others = shared->connections.size();
      if (others >= config.max_connections + kRefusedAtOnce) return;  // closes
      shared->connections.emplace(connection.get(), connection);
    }
    asio::post(connection->executor(), [connection, refused = others >= config.max_connections] {
      refused ? connection->start_refused() : connection->start();
    });
  }

  // Closes the acceptor, then runs `action` on the strand of every connection. Returns when the
  // port is free; the actions may still be under way.
  template <typename Action>
  void close_acceptor_then(Action action) {
    std::promise<void> promise;
    const std::future<void> closed = promise.get_future();
    asio::post(acceptor.get_executor(), [this, action, promise = std::move(promise)]() mutable {
      error_code ignored;
      acceptor.close(ignored);
      pause.cancel();
      promise.set_value();
      const std::lock_guard lock(shared->mutex);
      for (const auto& [address, weak] : shared->connections) {
        if (const auto connection = weak.lock()) {
          asio::post(connection->executor(), [connection, action] { action(*connection); });
        }
      }
    });
    closed.wait();
  }
};

HttpServer::HttpServer(HttpServerConfig config, HttpHandler& handler)
    : state_(std::make_unique<State>(config, handler)) {}

HttpServer::~HttpServer() { stop(); }

Result<int> HttpServer::start() {
  KT_CHECK(state_->threads.empty(), "start() twice");
  KT_TRY(const int port, state_->listen());
  state_->accept();
  for (int i = 0; i < state_->shared->config.threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->io.run(); });
  }
  return port;
}

void HttpServer::stop_accepting() {
  if (state_->threads.empty()) return;
  state_->shared->draining = true;
  state_->close_acceptor_then([](Connection& connection) { connection.drain(); });
}

void HttpServer::stop() {
  if (!state_->threads.empty()) {
    state_->close_acceptor_then([](Connection& connection) { connection.close(); });
    state_->work.reset();
    for (std::thread& thread : state_->threads) thread.join();
    state_->threads.clear();
  }
  // From here on writers that are still held reach nothing.
  const std::lock_guard lock(state_->shared->mutex);
  state_->shared->open = false;
}

}  // namespace kilotoken
