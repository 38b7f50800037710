#pragma once
// Values as text: Python's str() and repr(), and JSON as Python's json.dumps writes it.

#include <optional>
#include <string>
#include <string_view>

#include "model/jinja/value.h"

namespace kilotoken::jinja {

std::string to_text(Budget& budget, const Value& value);  // str()
std::string repr(Budget& budget, const Value& value);
std::string repr_text(std::string_view text);
std::string repr_real(double value);  // the shortest digits that read back the same

// The arguments of json.dumps.
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  // one level's text
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
std::string to_json(Budget& budget, const Value& value, const JsonStyle& style);

}  // namespace kilotoken::jinja
