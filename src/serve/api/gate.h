#pragma once
// Gate: what a request passes before its route answers it: a browser's questions, the key, the
// route, the method. A pure function of the request.

#include <optional>

#include "serve/api/api_keys.h"
#include "serve/api/cors.h"
#include "serve/api/routes.h"

namespace kilotoken {

class Gate {
 public:
  explicit Gate(const ApiConfig& config) : keys_(config.api_keys), cors_(config.cors) {}

  // The answer to a request that goes no further; none for one that `route` is to answer. `route`
  // is find_route() of its path.
  std::optional<HttpResponse> stop(const HttpRequest& request, const Route* route) const;
  const Cors& cors() const { return cors_; }

 private:
  const ApiKeys keys_;
  const Cors cors_;
};

}  // namespace kilotoken
