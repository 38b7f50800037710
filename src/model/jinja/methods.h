#pragma once
// Methods of Python's str, dict, list and tuple. Those that would change their value are undefined
// and say so when they are called, as in Jinja2's immutable sandbox.

#include <optional>
#include <string_view>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

// The bound method; nothing if the type has none of that name.
std::optional<Value> find_method(Budget& budget, const Value& value, std::string_view name);

}  // namespace kilotoken::jinja
