#include "model/weights/gguf_metadata.h"

namespace kilotoken {

const GgufValue* GgufKeys::find(std::string_view key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

Error GgufKeys::wrong_type(std::string_view key, std::string_view expected) const {
  return invalid(where_ + ": metadata key " + std::string(key) + " should be " +
                     std::string(expected) + ": the file is damaged or from another tool",
                 std::string(key));
}

Result<std::optional<int64_t>> GgufKeys::integer(std::string_view key) const {
  const GgufValue* found = find(key);
  if (!found) return std::optional<int64_t>{};
  const auto* value = std::get_if<int64_t>(&found->value);
  if (!value) return wrong_type(key, "an integer");
  return std::optional(*value);
}

Result<std::optional<double>> GgufKeys::number(std::string_view key) const {
  const GgufValue* found = find(key);
  if (!found) return std::optional<double>{};
  if (const auto* value = std::get_if<double>(&found->value)) return std::optional(*value);
  if (const auto* value = std::get_if<int64_t>(&found->value)) {
    return std::optional(static_cast<double>(*value));
  }
  return wrong_type(key, "a number");
}

Result<std::optional<bool>> GgufKeys::boolean(std::string_view key) const {
  const GgufValue* found = find(key);
  if (!found) return std::optional<bool>{};
  const auto* value = std::get_if<bool>(&found->value);
  if (!value) return wrong_type(key, "true or false");
  return std::optional(*value);
}

Result<std::optional<std::string>> GgufKeys::string(std::string_view key) const {
  const GgufValue* found = find(key);
  if (!found) return std::optional<std::string>{};
  const auto* value = std::get_if<std::string>(&found->value);
  if (!value) return wrong_type(key, "a string");
  return std::optional(*value);
}

Result<const GgufArray*> GgufKeys::array(std::string_view key) const {
  const GgufValue* found = find(key);
  if (!found) return static_cast<const GgufArray*>(nullptr);
  const auto* value = std::get_if<GgufArray>(&found->value);
  if (!value) return wrong_type(key, "an array");
  return value;
}

}  // namespace kilotoken
