#include "model/config/config_fields.h"

#include "model/weights/printable.h"

namespace kilotoken {

const Json* ConfigFields::find(const char* name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

Error ConfigFields::wrong_type(const char* name, std::string_view expected) const {
  return invalid(where_ + ": " + name + " should be " + std::string(expected), name);
}

Error ConfigFields::missing(const char* name) const {
  return invalid(where_ + ": " + name + " is missing", name);
}

Error ConfigFields::unsupported(const char* name, const std::string& value) const {
  return {ErrorCode::kUnsupported,
          where_ + ": " + name + " " + printable(value) + " is not in this build yet", name};
}

Result<std::optional<int>> ConfigFields::integer(const char* name) const {
  const Json* found = find(name);
  if (!found) return std::optional<int>{};
  constexpr int kMost = std::numeric_limits<int>::max();
  const bool fits =
      found->is_number_unsigned()
          ? found->get<uint64_t>() <= uint64_t{kMost}
          : found->is_number_integer() && found->get<int64_t>() >= std::numeric_limits<int>::min();
  if (!fits) return wrong_type(name, "a whole number below 2^31");
  return std::optional(found->get<int>());
}

Result<std::optional<double>> ConfigFields::number(const char* name) const {
  const Json* found = find(name);
  if (!found) return std::optional<double>{};
  if (!found->is_number()) return wrong_type(name, "a number");
  return std::optional(found->get<double>());
}

Result<std::optional<bool>> ConfigFields::boolean(const char* name) const {
  const Json* found = find(name);
  if (!found) return std::optional<bool>{};
  if (!found->is_boolean()) return wrong_type(name, "true or false");
  return std::optional(found->get<bool>());
}

Result<std::optional<std::string>> ConfigFields::string(const char* name) const {
  const Json* found = find(name);
  if (!found) return std::optional<std::string>{};
  if (!found->is_string()) return wrong_type(name, "a string");
  return std::optional(found->get<std::string>());
}

Result<int> ConfigFields::required_integer(const char* name) const {
  KT_TRY(const std::optional<int> value, integer(name));
  if (!value) return missing(name);
  return *value;
}

Result<double> ConfigFields::required_number(const char* name) const {
  KT_TRY(const std::optional<double> value, number(name));
  if (!value) return missing(name);
  return *value;
}

}  // namespace kilotoken
