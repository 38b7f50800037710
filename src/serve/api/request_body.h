#pragma once
// What the routes that take a JSON body share: its media type, parameters that are not known, ids.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/api/routes.h"

namespace kilotoken {

// The refusal of a body that is not declared as JSON (415), or of any work while draining (503).
std::optional<HttpResponse> refuse_body(const ApiContext& context, const HttpRequest& request);

// kInvalid under --strict-params if any are named.
Result<void> check_ignored(const ApiContext& context, const std::vector<std::string>& ignored);

// Counts them and names them in x-ignored-params; no header when there are none.
HttpHeaders ignored_header(ApiContext& context, const std::vector<std::string>& ignored);

// The prefix and 32 random hexadecimal digits.
std::string random_id(std::string_view prefix);

}  // namespace kilotoken
