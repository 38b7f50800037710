#include "serve/api/gate.h"

namespace kilotoken {
namespace {

// As the Allow header lists them.
std::string methods_of(const Route& route) {
  return std::string(route.method) + (route.method == "GET" ? ", HEAD" : "") + ", OPTIONS";
}

HttpResponse key_refused(bool given) {
  HttpResponse refused = error_response(
      401, "authentication_error",
      given ? "Incorrect API key provided: it is none of this server's keys."
            : "This server asks for an API key: send it as \"Authorization: Bearer KEY\" or "
              "\"x-api-key: KEY\".",
      {}, "invalid_api_key");
  refused.headers.emplace_back("www-authenticate", "Bearer");
  return refused;
}

}  // namespace

std::optional<HttpResponse> Gate::stop(const HttpRequest& request, const Route* route) const {
  // Browsers ask without a key; what they are told is no secret.
  const bool asks_methods = request.method == "OPTIONS" && route;
  if (asks_methods && cors_.is_preflight(request)) {
    return cors_.preflight(request, methods_of(*route));
  }
  if (asks_methods) return HttpResponse{204, {{"allow", methods_of(*route)}}, {}};
  if (!(route && route->open) && !keys_.admits(request)) {
    return key_refused(!request.header("authorization").empty() ||
                       !request.header("x-api-key").empty());
  }
  if (!route) {
    return error_response(404, "not_found_error", "there is no " + request.path + " here", {},
                          "unknown_route");
  }
  const bool head_of_get = request.method == "HEAD" && route->method == "GET";
  if (request.method == route->method || head_of_get) return std::nullopt;
  HttpResponse refused = error_response(
      405, "invalid_request_error",
      request.path + " takes " + std::string(route->method) + ", not " + request.method, {},
      "method_not_allowed");
  refused.headers.emplace_back("allow", methods_of(*route));
  return refused;
}

}  // namespace kilotoken
