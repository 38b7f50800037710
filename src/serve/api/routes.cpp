#include "serve/api/routes.h"

#include <array>

namespace kilotoken {
namespace {

constexpr std::array kRoutes = {
    Route{"POST", "/v1/chat/completions", answer_chat},
    Route{"POST", "/v1/completions", answer_completions},
    Route{"GET", "/v1/models", answer_models, /*prefix=*/true},
    Route{"POST", "/tokenize", answer_tokenize},
    Route{"POST", "/detokenize", answer_detokenize},
    Route{"GET", "/v1/cache", answer_cache},
    Route{"GET", "/version", answer_version},
    Route{"GET", "/health", answer_health, /*prefix=*/false, /*open=*/true},
    Route{"GET", "/health/live", answer_health, /*prefix=*/false, /*open=*/true},
    Route{"GET", "/health/ready", answer_ready, /*prefix=*/false, /*open=*/true},
    Route{"GET", "/metrics", answer_metrics},
    Route{"GET", "/", answer_page, /*prefix=*/false, /*open=*/true},
    Route{"GET", "/assets", answer_page, /*prefix=*/true, /*open=*/true},
};

}  // namespace

const Route* find_route(std::string_view path) {
  for (const Route& route : kRoutes) {
    const bool below = route.prefix && path.starts_with(route.path) &&
                       path.size() > route.path.size() && path[route.path.size()] == '/';
    if (path == route.path || below) return &route;
  }
  return nullptr;
}

}  // namespace kilotoken
