#pragma once
// Cors: which pages of other origins may use the interface from a browser (the Fetch standard's
// CORS protocol). Off unless origins are given: then browsers keep such pages out.

#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace kilotoken {

struct CorsConfig {
  std::vector<std::string> allowed_origins;  // "https://a.example"; "*" is every origin
  bool allow_credentials = false;            // cookies and client certificates
};

class Cors {
 public:
  explicit Cors(CorsConfig config) : config_(std::move(config)) {}

  // For any answer, an error's too: what its reader in a browser needs to see it.
  void add_headers(const HttpRequest& request, HttpHeaders& headers) const;

  // A browser's question whether it may send the request that follows.
  bool is_preflight(const HttpRequest& request) const;
  // Its answer, without what add_headers adds; `methods` as for Allow.
  HttpResponse preflight(const HttpRequest& request, std::string_view methods) const;

 private:
  bool any_origin() const;
  bool allows(std::string_view origin) const;

  const CorsConfig config_;
};

}  // namespace kilotoken
