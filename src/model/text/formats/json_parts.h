#pragma once
// Reading tokenizer.json part by part: a part is one JSON object, and what it holds beyond what
// this build implements is refused by name.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kilotoken {

class JsonParts {
 public:
  // `json` is looked at as an object; any other value has no members.
  JsonParts(const Json& json, std::string where) : json_(&json), where_(std::move(where)) {}
  JsonParts(const Json& json, std::string_view where) : JsonParts(json, std::string(where)) {}

  const Json& json() const { return *json_; }
  const std::string& where() const { return where_; }
  const Json* find(std::string_view name) const;  // null if absent or null

  Result<JsonParts> object(const std::string& name) const;
  // A "Sequence" of parts under `list`, or this part alone.
  Result<std::vector<JsonParts>> steps(const std::string& list) const;
  Result<std::string> string_or(std::string_view name, std::string otherwise) const;
  Result<bool> boolean_or(std::string_view name, bool otherwise) const;
  // Of numbers from 0 to `most`.
  Result<uint64_t> count_or(std::string_view name, uint64_t otherwise, uint64_t most) const;

  Result<void> only(std::initializer_list<std::string_view> names) const;
  Result<void> must_be_empty(std::string_view name) const;  // null, false, 0 or ""
  Error refuse(const std::string& what) const;              // "... is not in this build yet"

 private:
  const Json* json_;
  std::string where_;
};

}  // namespace kilotoken
