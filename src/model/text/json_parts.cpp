#include "model/text/json_parts.h"

#include <algorithm>

#include "model/weights/printable.h"

namespace kilotoken {

const Json* JsonParts::find(std::string_view name) const {
  const auto found = json_->find(name);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

Error JsonParts::refuse(const std::string& what) const {
  return {ErrorCode::kUnsupported, where_ + ": " + what + " is not in this build yet", {}};
}

Result<JsonParts> JsonParts::object(const std::string& name) const {
  const Json* found = find(name);
  if (!found) return invalid(where_ + ": " + printable(name) + " is missing", name);
  if (!found->is_object())
    return invalid(where_ + ": " + printable(name) + " is not an object", name);
  return JsonParts(*found, where_ + ": " + printable(name));
}

Result<std::vector<JsonParts>> JsonParts::steps(const std::string& list) const {
  KT_TRY(const std::string type, string_or("type", ""));
  if (type != "Sequence") return std::vector{*this};
  const Json* found = find(list);
  if (!found || !found->is_array()) return invalid(where_ + ": " + list + " is not a list", list);
  std::vector<JsonParts> steps;
  for (const Json& step : *found) steps.emplace_back(step, where_);
  return steps;
}

Result<std::string> JsonParts::string_or(std::string_view name, std::string otherwise) const {
  const Json* found = find(name);
  if (!found) return otherwise;
  if (!found->is_string()) return invalid(where_ + ": " + std::string(name) + " is not a string");
  return found->get<std::string>();
}

Result<bool> JsonParts::boolean_or(std::string_view name, bool otherwise) const {
  const Json* found = find(name);
  if (!found) return otherwise;
  if (!found->is_boolean()) {
    return invalid(where_ + ": " + std::string(name) + " is not true or false");
  }
  return found->get<bool>();
}

Result<void> JsonParts::only(std::initializer_list<std::string_view> names) const {
  if (!json_->is_object()) return invalid(where_ + " is not an object");
  for (const auto& member : json_->items()) {
    if (std::ranges::find(names, member.key()) == names.end()) {
      return refuse("member " + printable(member.key()));
    }
  }
  return {};
}

Result<void> JsonParts::must_be_empty(std::string_view name) const {
  const Json* found = find(name);
  if (!found || *found == false || *found == 0 || *found == "") return {};
  return refuse(std::string(name) + " " + printable(found->dump()));
}

Result<void> JsonParts::must_be(std::string_view name, std::string_view text) const {
  const Json* found = find(name);
  if (found && *found == text) return {};
  return refuse(std::string(name) + " " + (found ? printable(found->dump()) : "absent"));
}

}  // namespace kilotoken
