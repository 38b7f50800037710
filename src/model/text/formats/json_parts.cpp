#include "model/text/formats/json_parts.h"

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
  for (const Json& step : *found) {
    const JsonParts part(step, where_);
    KT_TRY(const std::string inner, part.string_or("type", ""));
    if (inner == "Sequence") return part.refuse("a Sequence within a Sequence");
    steps.push_back(part);
  }
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

Result<uint64_t> JsonParts::count_or(std::string_view name, uint64_t otherwise,
                                     uint64_t most) const {
  const Json* found = find(name);
  if (!found) return otherwise;
  const bool negative = found->is_number_integer() && *found < 0;
  if (!found->is_number_integer() || negative || found->get<uint64_t>() > most) {
    return invalid(where_ + ": " + std::string(name) + " is not a number from 0 to " +
                   std::to_string(most));
  }
  return found->get<uint64_t>();
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

}  // namespace kilotoken
