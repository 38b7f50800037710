#include "model/jinja/filters.h"

#include "model/jinja/interpreter.h"

namespace kilotoken::jinja {
namespace {

const FilterRow* find_filter(std::string_view name) {
  for (const auto* rows :
       {&text_filters(), &number_filters(), &list_filters(), &selecting_filters()}) {
    for (const FilterRow& row : *rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace

bool is_filter(std::string_view name) { return find_filter(name) != nullptr; }

Value call_filter(Interpreter& interpreter, const std::string& name, const Value& value,
                  Arguments& arguments) {
  interpreter.budget().step();
  const FilterRow* row = find_filter(name);
  if (row == nullptr) throw Raised("No filter named '" + name + "'.");
  return row->body(interpreter, value, arguments);
}

}  // namespace kilotoken::jinja
