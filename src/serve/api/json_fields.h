#pragma once
// JsonFields: reads the fields of a request's JSON object, each with a stated type. An explicit
// null is the same as leaving the field out; a wrong type is an error that names the field.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

class JsonFields {
 public:
  // `object` must be an object and outlive this; `prefix` stands before names in errors.
  explicit JsonFields(const OrderedJson& object, std::string prefix = {})
      : object_(object), prefix_(std::move(prefix)) {}

  // Null when the field is absent or null. Every name asked for counts as known.
  const OrderedJson* find(std::string_view name);

  // Absent or null leaves `value` as it is. A whole number may be written as 16.0.
  Result<void> read(std::string_view name, bool& value);
  Result<void> read(std::string_view name, int& value);
  Result<void> read(std::string_view name, float& value);
  Result<void> read(std::string_view name, std::string& value);
  Result<void> read(std::string_view name, std::optional<int>& value);
  Result<void> read(std::string_view name, std::optional<int64_t>& value);
  Result<void> read(std::string_view name, std::vector<int32_t>& value);

  // What the object holds besides the fields asked for, nulls left out.
  std::vector<std::string> unknown() const;

  // "a string", "a list", ... for messages.
  static std::string_view kind(const OrderedJson& value);
  Error wrong_type(std::string_view name, std::string_view wanted, const OrderedJson& value) const;

 private:
  std::string full(std::string_view name) const { return prefix_ + std::string(name); }

  const OrderedJson& object_;
  const std::string prefix_;
  std::set<std::string, std::less<>> known_;
};

// A whole number that fits, also written as 16.0.
std::optional<int64_t> whole_number(const OrderedJson& value);

}  // namespace kilotoken
