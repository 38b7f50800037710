#include "cli/settings_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>

#include "base/files.h"
#include "base/json.h"

namespace kilotoken {
namespace {

constexpr int kDeepest = 8;          // a mapping of a subcommand holds lists of values
constexpr int kMostValues = 10'000;  // aliases may repeat a part, and themselves, without end

// YAML's scalars stay the text they are: a flag knows better what it wants than a guess of a type.
Result<OrderedJson> json_of(const YAML::Node& node, const std::string& path, int depth,
                            int& values) {
  if (depth > kDeepest || ++values > kMostValues) {
    return invalid(path + ": holds more than " + std::to_string(kMostValues) + " values or " +
                   std::to_string(kDeepest) + " levels, aliases written out");
  }
  if (node.IsNull()) return OrderedJson(nullptr);
  if (node.IsScalar()) return OrderedJson(node.Scalar());
  if (node.IsSequence()) {
    OrderedJson list = OrderedJson::array();
    for (const YAML::Node& item : node) {
      KT_TRY(OrderedJson value, json_of(item, path, depth + 1, values));
      list.push_back(std::move(value));
    }
    return list;
  }
  OrderedJson object = OrderedJson::object();
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (key.empty() || object.contains(key)) {
      return invalid(path + ", line " + std::to_string(entry.first.Mark().line + 1) +
                     (key.empty() ? ": a setting has no name" : ": " + key + " is there twice"));
    }
    KT_TRY(object[key], json_of(entry.second, path, depth + 1, values));
  }
  return object;
}

Result<OrderedJson> parse(const std::string& text, const std::string& path) {
  if (path.ends_with(".json")) return parse_ordered_json(text, path);
  try {
    int values = 0;
    return json_of(YAML::Load(text), path, 0, values);
  } catch (const YAML::Exception& error) {
    return invalid(path + ", line " + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
}

std::optional<std::string> scalar(const OrderedJson& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return std::nullopt;
}

Result<void> read_values(const OrderedJson& object, const std::string& path,
                         SettingsFile::Values& values) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_null()) continue;  // as if it were not there
    std::string name = key;
    std::replace(name.begin(), name.end(), '_', '-');
    std::vector<std::string>& texts = values[name];
    const bool list = value.is_array();
    for (size_t i = 0; i < (list ? value.size() : 1); ++i) {
      const auto text = scalar(list ? value[i] : value);
      if (!text) return invalid(path + ": " + key + " must be a value or a list of values");
      texts.push_back(*text);
    }
  }
  return {};
}

}  // namespace

Result<SettingsFile> read_settings_file(const std::string& path,
                                        const std::vector<std::string>& commands) {
  constexpr size_t kMostBytes = 1 << 20;
  KT_TRY(const std::string text, read_text_file(path, kMostBytes));
  return parse_settings(text, path, commands);
}

Result<SettingsFile> parse_settings(const std::string& text, const std::string& path,
                                    const std::vector<std::string>& commands) {
  KT_TRY(const OrderedJson content, parse(text, path));
  SettingsFile file;
  if (content.is_null()) return file;
  if (!content.is_object()) {
    return invalid(path + ": must hold names and values, as in \"port: 9000\"");
  }
  OrderedJson common = OrderedJson::object();
  for (const auto& [key, value] : content.items()) {
    const bool command = std::find(commands.begin(), commands.end(), key) != commands.end();
    if (command && value.is_object()) {
      KT_TRY_VOID(read_values(value, path, file.of_command[key]));
    } else {
      common[key] = value;
    }
  }
  KT_TRY_VOID(read_values(common, path, file.common));
  return file;
}

}  // namespace kilotoken
