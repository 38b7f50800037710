#pragma once
// Jinja2's filters (value | name) and tests (value is name).

#include <string>
#include <string_view>
#include <vector>

#include "model/jinja/objects.h"

namespace kilotoken::jinja {

bool is_filter(std::string_view name);
bool is_test(std::string_view name);

Value call_filter(Interpreter& interpreter, const std::string& name, const Value& value,
                  Arguments& arguments);
bool call_test(Interpreter& interpreter, const std::string& name, const Value& value,
               Arguments& arguments);

// One table per file of filters.
struct FilterRow {
  std::string_view name;
  Function::Body body;
};
const std::vector<FilterRow>& text_filters();
const std::vector<FilterRow>& number_filters();
const std::vector<FilterRow>& list_filters();
const std::vector<FilterRow>& selecting_filters();

}  // namespace kilotoken::jinja
