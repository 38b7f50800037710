#pragma once
// Reading one JSON object's fields: absent and null are the same, another type is an error.

#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

class ConfigFields {
 public:
  ConfigFields(const Json& object, std::string_view where) : object_(object), where_(where) {}

  const std::string& where() const { return where_; }
  const Json* find(const char* name) const;  // null if absent or null
  Result<std::optional<int>> integer(const char* name) const;
  Result<std::optional<double>> number(const char* name) const;
  Result<std::optional<bool>> boolean(const char* name) const;
  Result<std::optional<std::string>> string(const char* name) const;
  Result<int> required_integer(const char* name) const;
  Result<double> required_number(const char* name) const;

  Error wrong_type(const char* name, std::string_view expected) const;
  Error missing(const char* name) const;
  Error unsupported(const char* name, const std::string& value) const;

 private:
  const Json& object_;
  std::string where_;
};

}  // namespace kilotoken
