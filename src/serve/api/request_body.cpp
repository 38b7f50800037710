#include "serve/api/request_body.h"

#include <algorithm>

#include "base/rng.h"

namespace kilotoken {
namespace {

constexpr size_t kMostIgnoredBytes = 1000;  // of the header that lists unknown parameters

bool is_json(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, content_type.find_first_of("; \t"));
  constexpr std::string_view kJson = "application/json";
  return std::equal(media.begin(), media.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace

std::optional<HttpResponse> refuse_body(const ApiContext& context, const HttpRequest& request) {
  if (context.draining) {
    return to_response({ErrorCode::kUnavailable, "the server is shutting down", {}});
  }
  if (!is_json(request.header("content-type"))) {
    return error_response(415, "invalid_request_error",
                          "the content-type must be application/json");
  }
  return std::nullopt;
}

Result<void> check_ignored(const ApiContext& context, const std::vector<std::string>& ignored) {
  if (!context.config.strict_params || ignored.empty()) return {};
  return invalid("unknown parameter: " + ignored.front(), ignored.front());
}

HttpHeaders ignored_header(ApiContext& context, const std::vector<std::string>& ignored) {
  if (ignored.empty()) return {};
  context.ignored_params.add(static_cast<double>(ignored.size()));
  std::string names;
  for (const std::string& name : ignored) {
    if (names.size() + name.size() > kMostIgnoredBytes) {
      names += names.empty() ? "..." : ",...";
      break;
    }
    names += (names.empty() ? "" : ",") + name;
  }
  return {{"x-ignored-params", names}};
}

std::string random_id(std::string_view prefix) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(prefix);
  for (int word = 0; word < 2; ++word) {
    const uint64_t bits = entropy_seed();
    for (int shift = 60; shift >= 0; shift -= 4) id += kDigits[(bits >> shift) & 15];
  }
  return id;
}

}  // namespace kilotoken
