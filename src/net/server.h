#pragma once
// HttpServer: HTTP/1.1 (and 1.0) over TCP: keep-alive, pipelining, chunked bodies both ways, and
// prompt notice of clients that go away.

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/http.h"
#include "net/request_reader.h"

namespace kilotoken {

struct HttpServerConfig {
  std::string host = "127.0.0.1";  // an address, or a name that resolves to one
  int port = 8000;                 // 0: any free one
  int threads = 2;
  RequestLimits limits;
  size_t max_connections = 4096;              // more: 503
  size_t max_pending_output_bytes = 8 << 20;  // a stream whose client does not read is cut off here
  // A connection is closed when a request's header is not complete in this time, when nothing of
  // its body arrives for as long (both 408), when no request comes, and when output makes no
  // progress.
  int idle_timeout_ms = 60'000;
  int request_timeout_ms = 300'000;  // for the whole of a request to arrive; more: 408
};

class HttpServer {
 public:
  HttpServer(HttpServerConfig config, HttpHandler& handler);
  ~HttpServer();  // stop()
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  Result<int> start();  // listens; the port

  // Neither of these on a network thread. No new connections come from the return of
  // stop_accepting() on, and those there are close after the answer they wait for.
  void stop_accepting();
  void stop();  // closes every connection (on_closed is called) and joins the threads

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kilotoken
