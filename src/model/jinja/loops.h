#pragma once
// What a template loops over, read from its tree.

#include <string_view>

#include "model/jinja/ast.h"

namespace kilotoken::jinja {

// See Template::loops_over_item.
bool loops_over_item(const Body& body, std::string_view variable, std::string_view key);

}  // namespace kilotoken::jinja
