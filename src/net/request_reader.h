#pragma once
// RequestReader: the bytes of one HTTP/1 request in, an HttpRequest out, within limits. Knows no
// socket. Internal to the server.

#include <memory>
#include <optional>
#include <string>

#include "net/http.h"

namespace kilotoken {

struct RequestLimits {
  size_t max_header_bytes = 64 << 10;  // more: 431
  size_t max_header_count = 256;       // more: 431
  size_t max_body_bytes = 32 << 20;    // more: 413
};

class RequestReader {
 public:
  explicit RequestReader(const RequestLimits& limits);
  ~RequestReader();

  enum class State { kMore, kDone, kRefused };
  // Takes what belongs to the request off the front of `bytes`. Once kDone or kRefused, for good.
  State put(std::string& bytes);

  bool begun() const;           // some of the request has come
  bool header_done() const;     // the rest is its body
  bool wants_continue() const;  // the client waits to be invited to send its body

  // What was understood, the whole request once done. The body is moved out.
  HttpRequest take();
  bool is_head() const;
  bool is_http11() const;
  bool keep_alive() const;

  // Why it was refused.
  int status() const { return status_; }
  const std::string& message() const { return message_; }

 private:
  struct Parser;
  State refuse(int status, std::string message);

  const RequestLimits limits_;
  const std::unique_ptr<Parser> parser_;
  int status_ = 0;
  std::string message_;
};

}  // namespace kilotoken
