#include "serve/api/cors.h"

#include <algorithm>

namespace kilotoken {
namespace {

// How long a browser may remember the answer to a preflight.
constexpr std::string_view kMaxAgeSeconds = "600";

}  // namespace

bool Cors::any_origin() const {
  const auto& origins = config_.allowed_origins;
  return std::find(origins.begin(), origins.end(), "*") != origins.end();
}

bool Cors::allows(std::string_view origin) const {
  const auto& origins = config_.allowed_origins;
  return any_origin() || std::find(origins.begin(), origins.end(), origin) != origins.end();
}

void Cors::add_headers(const HttpRequest& request, HttpHeaders& headers) const {
  if (config_.allowed_origins.empty()) return;
  const bool same_for_all = any_origin() && !config_.allow_credentials;
  if (!same_for_all) headers.emplace_back("vary", "Origin");  // for caches on the way
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !allows(origin)) return;
  headers.emplace_back("access-control-allow-origin", same_for_all ? "*" : origin);
  if (config_.allow_credentials) headers.emplace_back("access-control-allow-credentials", "true");
  headers.emplace_back("access-control-expose-headers",
                       "x-request-id, x-ignored-params, retry-after");
}

bool Cors::is_preflight(const HttpRequest& request) const {
  return !config_.allowed_origins.empty() && request.method == "OPTIONS" &&
         !request.header("origin").empty() &&
         !request.header("access-control-request-method").empty();
}

HttpResponse Cors::preflight(const HttpRequest& request, std::string_view methods) const {
  const std::string origin(request.header("origin"));
  if (!allows(origin)) {
    return error_response(403, "permission_error",
                          "pages of " + origin + " may not use this server (--allowed-origins)");
  }
  HttpResponse response;
  response.status = 204;
  response.headers = {{"access-control-allow-methods", std::string(methods)},
                      {"access-control-max-age", std::string(kMaxAgeSeconds)}};
  // Named one by one: a * would leave out Authorization.
  const std::string_view headers = request.header("access-control-request-headers");
  if (!headers.empty()) response.headers.emplace_back("access-control-allow-headers", headers);
  return response;
}

}  // namespace kilotoken
