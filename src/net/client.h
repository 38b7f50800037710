#pragma once
// HttpClient: HTTP/1.1 requests over one thread's EventLoop, with kept connections, http and https.
// Every piece of an answer is handed on with the moment at which it was read.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/event_loop.h"
#include "net/http.h"
#include "net/url.h"

namespace kilotoken {

enum class ClientEnd {
  kComplete,       // the whole response was read
  kConnectFailed,  // refused, unreachable
  kTlsFailed,      // the handshake, or the server's certificate
  kClosed,         // the connection ended before the response did
  kBroken,         // what came is no HTTP
};

// One request's news, on the loop's thread. Times are the loop's clock.
class ClientHandler {
 public:
  virtual ~ClientHandler() = default;
  virtual void on_sent(int64_t ns) = 0;  // the last byte was given to the system
  virtual void on_head(int status, const HttpHeaders& headers, int64_t ns) = 0;  // lower-case names
  virtual void on_body(std::string_view piece, int64_t ns) = 0;
  // Last of all, once. `detail`: what went wrong, one line.
  virtual void on_end(ClientEnd end, const std::string& detail, int64_t ns) = 0;
};

// A server, resolved once so that no request waits for a name. Shared by threads.
class ClientTarget {
 public:
  // `insecure`: an https server's certificate is not checked.
  static Result<std::shared_ptr<const ClientTarget>> resolve(const Url& url, bool insecure);
  ~ClientTarget();
  const Url& url() const;

 private:
  friend class HttpClient;
  struct Parts;
  explicit ClientTarget(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

class HttpClient {
 public:
  using Id = uint64_t;
  HttpClient(EventLoop& loop, std::shared_ptr<const ClientTarget> target);
  ~HttpClient();  // closes every connection; handlers hear nothing
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `bytes`: a whole request (see http_request). The handler is called later, never within send().
  Id send(std::string bytes, ClientHandler& handler);
  void cancel(Id id);  // closes its connection; its handler hears nothing more

  struct Counts {
    int64_t opened = 0;  // connections
    int64_t resent = 0;  // requests whose kept connection turned out to be closed
    int64_t read_bytes = 0, reads = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  class Connection;
  void open(Id id, std::string bytes, ClientHandler& handler);
  void finished(Connection& connection, ClientEnd end, const std::string& detail);

  EventLoop& loop_;
  const std::shared_ptr<const ClientTarget> target_;
  Id next_id_ = 1;
  std::unordered_map<Id, std::shared_ptr<Connection>> active_;
  std::vector<std::shared_ptr<Connection>> idle_;
  std::string buffer_;
  Counts counts_;
};

// A request with host, content-length and these headers. `path` follows the target's own.
std::string http_request(const Url& url, std::string_view method, std::string_view path,
                         const HttpHeaders& headers, std::string_view body);

struct HttpAnswer {
  int status = 0;
  HttpHeaders headers;
  std::string body;
};
// One request, waited for: kUnavailable when there is no answer within the time.
Result<HttpAnswer> http_fetch(const std::shared_ptr<const ClientTarget>& target,
                              std::string_view method, std::string_view path,
                              const HttpHeaders& headers, std::string_view body, int timeout_ms);

}  // namespace kilotoken
