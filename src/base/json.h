#pragma once
// JSON from outside: parsed with limits, read with errors that name the place.

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace kilotoken {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // objects keep the order of their keys

struct JsonLimits {
  int max_depth = 128;  // nested arrays and objects
};

// kInvalid with the byte offset on broken JSON, broken UTF-8, a duplicate key or too deep nesting;
// `where` is the file or "request body".
Result<Json> parse_json(std::string_view text, std::string_view where, JsonLimits limits = {});
Result<OrderedJson> parse_ordered_json(std::string_view text, std::string_view where,
                                       JsonLimits limits = {});

}  // namespace kilotoken
