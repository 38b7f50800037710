#pragma once
// Connection: one client's TCP connection: reads requests, one at a time in order, and writes their
// answers. Internal to the server; includes Boost.

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "net/asio.h"
#include "net/http.h"
#include "net/server.h"

namespace kilotoken {

class Connection;

// What the connections of one server share. Writers outlive the server in the hands of the program:
// they reach a connection only under `mutex` and while `open`.
struct ServerShared {
  ServerShared(const HttpServerConfig& config_in, HttpHandler& handler_in)
      : config(config_in), handler(handler_in) {}
  const HttpServerConfig config;
  HttpHandler& handler;
  std::mutex mutex;
  bool open = true;
  std::atomic<bool> draining{false};
  std::map<Connection*, std::weak_ptr<Connection>> connections;
};

// One request being answered. All but `closed` belongs to the connection's strand.
struct Exchange {
  bool head = false;
  bool http11 = true;
  bool keep_alive = true;
  bool begun = false, streaming = false;  // the answer's header is written; its body is in pieces
  std::function<void()> on_closed;
  std::atomic<bool> closed{false};
};

// Every member function but the constructor runs on the strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;

  Connection(Socket socket, std::shared_ptr<ServerShared> shared);
  Socket::executor_type executor() { return socket_.get_executor(); }

  void start();
  void start_refused();  // beyond the limit of connections: says so and closes
  void close();          // now, whatever is under way
  void drain();          // closes if idle

  // For the writer of `exchange`; nothing happens when that exchange is over.
  using ExchangePtr = std::shared_ptr<Exchange>;
  void send(const ExchangePtr& exchange, HttpResponse response);
  void begin_stream(const ExchangePtr& exchange, int status, const HttpHeaders& headers);
  void write(const ExchangePtr& exchange, const std::string& data);
  void end(const ExchangePtr& exchange);
  void abort(const ExchangePtr& exchange);
  void abandon(const ExchangePtr& exchange);
  void set_on_closed(const ExchangePtr& exchange, std::function<void()> callback);

 private:
  void read_more();
  void on_read(ErrorCode error, size_t bytes);
  void on_end_of_input();
  void next_request();
  void set_deadline();
  void parse();
  void dispatch();
  void refuse(int status, const std::string& message);
  void refuse_with(HttpResponse response);
  void probe();
  void watch_for_reset();
  void arm_read_timer(int timeout_ms);
  void on_read_timeout();

  std::string header_text(Exchange& exchange, int status, const HttpHeaders& headers,
                          std::optional<size_t> body_bytes);
  void finish_exchange();
  void queue(std::string bytes);
  void flush();
  void arm_write_timer();
  void close_after_flush();
  void finish_close();

  Socket socket_;
  const std::shared_ptr<ServerShared> shared_;
  std::string remote_;

  std::array<char, 16 << 10> read_buffer_;
  std::string in_;                       // received, not yet parsed
  std::optional<RequestReader> reader_;  // while a request is awaited
  std::chrono::steady_clock::time_point request_deadline_;
  bool continue_sent_ = false;
  bool reading_ = false, watching_ = false;
  bool end_of_input_ = false;  // the client has closed its sending half, or everything
  boost::asio::steady_timer read_timer_;

  ExchangePtr exchange_;

  std::deque<std::string> out_;
  size_t out_offset_ = 0, out_bytes_ = 0;  // sent bytes of the first; bytes of all
  bool writing_ = false;
  boost::asio::steady_timer write_timer_;

  bool closing_ = false;    // after what is queued
  bool lingering_ = false;  // our half is closed; what still comes is thrown away
  bool dead_ = false;
};

}  // namespace kilotoken
