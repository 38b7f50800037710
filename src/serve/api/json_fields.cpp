#include "serve/api/json_fields.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kilotoken {
namespace {

bool fits_int32(int64_t value) {
  return value >= std::numeric_limits<int32_t>::min() &&
         value <= std::numeric_limits<int32_t>::max();
}

}  // namespace

std::optional<int64_t> whole_number(const OrderedJson& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const auto number = value.get<double>();
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!(std::abs(number) <= kExact) || number != std::floor(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::string_view JsonFields::kind(const OrderedJson& value) {
  switch (value.type()) {
    case OrderedJson::value_t::null:
      return "null";
    case OrderedJson::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case OrderedJson::value_t::string:
      return "a string";
    case OrderedJson::value_t::array:
      return "a list";
    case OrderedJson::value_t::object:
      return "an object";
    case OrderedJson::value_t::number_float:
      return "a number with a fraction, or too large";
    default:
      return "a number";
  }
}

Error JsonFields::wrong_type(std::string_view name, std::string_view wanted,
                             const OrderedJson& value) const {
  return invalid(
      full(name) + " must be " + std::string(wanted) + ", not " + std::string(kind(value)),
      full(name));
}

const OrderedJson* JsonFields::find(std::string_view name) {
  known_.emplace(name);
  const auto at = object_.find(name);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

Result<void> JsonFields::read(std::string_view name, bool& value) {
  const OrderedJson* found = find(name);
  if (!found) return {};
  if (!found->is_boolean()) return wrong_type(name, "true or false", *found);
  value = found->get<bool>();
  return {};
}

Result<void> JsonFields::read(std::string_view name, std::optional<int64_t>& value) {
  const OrderedJson* found = find(name);
  if (!found) return {};
  const auto number = whole_number(*found);
  if (!number && found->is_number_integer()) {
    return invalid(full(name) + " is too large a number", full(name));
  }
  if (!number) return wrong_type(name, "a whole number", *found);
  value = *number;
  return {};
}

Result<void> JsonFields::read(std::string_view name, std::optional<int>& value) {
  std::optional<int64_t> wide;
  KT_TRY_VOID(read(name, wide));
  if (!wide) return {};
  if (!fits_int32(*wide)) return invalid(full(name) + " is too large a number", full(name));
  value = static_cast<int>(*wide);
  return {};
}

Result<void> JsonFields::read(std::string_view name, int& value) {
  std::optional<int> number;
  KT_TRY_VOID(read(name, number));
  value = number.value_or(value);
  return {};
}

Result<void> JsonFields::read(std::string_view name, float& value) {
  const OrderedJson* found = find(name);
  if (!found) return {};
  if (!found->is_number()) return wrong_type(name, "a number", *found);
  const auto number = found->get<double>();
  if (std::abs(number) > std::numeric_limits<float>::max()) {
    return invalid(full(name) + " is too large a number", full(name));
  }
  value = static_cast<float>(number);
  return {};
}

Result<void> JsonFields::read(std::string_view name, std::string& value) {
  const OrderedJson* found = find(name);
  if (!found) return {};
  if (!found->is_string()) return wrong_type(name, "a string", *found);
  value = found->get<std::string>();
  return {};
}

Result<void> JsonFields::read(std::string_view name, std::vector<int32_t>& value) {
  const OrderedJson* found = find(name);
  if (!found) return {};
  if (!found->is_array()) return wrong_type(name, "a list of token ids", *found);
  std::vector<int32_t> ids;
  for (const OrderedJson& item : *found) {
    const auto id = whole_number(item);
    if (!id || !fits_int32(*id)) return wrong_type(name, "a list of token ids", item);
    ids.push_back(static_cast<int32_t>(*id));
  }
  value = std::move(ids);
  return {};
}

std::vector<std::string> JsonFields::unknown() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items()) {
    if (!value.is_null() && !known_.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace kilotoken
