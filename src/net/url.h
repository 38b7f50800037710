#pragma once
// Url: where an HTTP client connects. http and https, with a host, a port and a path in front of
// every request's own.

#include <string>
#include <string_view>

#include "base/result.h"

namespace kilotoken {

struct Url {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  int port = 80;
  std::string path;  // "" or "/base", without a slash at its end

  std::string authority() const;  // as the Host header wants it
  std::string text() const;
};

// kInvalid names what is wrong. "127.0.0.1:8000" without a scheme is http.
Result<Url> parse_url(std::string_view text);

}  // namespace kilotoken
