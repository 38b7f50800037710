#pragma once
// What an HTTP server hands to the program and takes back: requests, responses, and a writer
// through which an answer is given later and from another thread.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kilotoken {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // as sent: "GET"
  std::string path;     // of the target, not percent-decoded: "/v1/models"
  std::string query;    // what follows '?'
  HttpHeaders headers;  // names as sent
  std::string body;
  std::string remote;  // the peer's address

  // The first header of that name, whatever its case; empty when absent.
  std::string_view header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HttpHeaders headers;  // content-length and connection are the server's own
  std::string body;
};

// The answer to one request. Any thread may call it and no call blocks. Either send(), or
// begin_stream(), write() any number of times and end(). Calls after the end, or after the client
// is gone, do nothing. Dropping the last reference to an unanswered writer answers 500, or breaks a
// stream off.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;

  virtual void send(HttpResponse response) = 0;
  virtual void begin_stream(int status, HttpHeaders headers) = 0;
  virtual void write(std::string data) = 0;  // sent at once
  virtual void end() = 0;
  virtual void abort() = 0;  // closes the connection without a clean end

  // Called once when the client has gone or was cut off before the end of the answer (at once if it
  // already has); never after the end. On a network thread or the caller's; must not block. One
  // callback a request.
  virtual void on_closed(std::function<void()> callback) = 0;
  virtual bool closed() const = 0;  // the client has gone, was cut off, or abort() was called
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // On a network thread; several may call at once. Must not wait for the answer.
  virtual void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) = 0;

  // The server answers a request by itself: it is malformed, too large, too slow. Here the answer
  // may get more headers. `request` is what was understood of it, without its body. As handle().
  virtual void refused(const HttpRequest& request, HttpResponse& response) {
    static_cast<void>(request);
    static_cast<void>(response);
  }
};

// {"error":{"message","type","param","code"}}, the shape that OpenAI's clients read; empty `param`
// and `code` are null. Bytes in `message` that are not UTF-8 are replaced.
HttpResponse error_response(int status, std::string_view type, std::string_view message,
                            std::string_view param = {}, std::string_view code = {});

// "/" for "%2F"; a % that two hexadecimal digits do not follow stays as it is.
std::string percent_decoded(std::string_view text);

// "Too Many Requests" for 429.
std::string_view reason_phrase(int status);

}  // namespace kilotoken
