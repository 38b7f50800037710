// The file of --config. The first byte picks the format: 'j' for JSON, any other for YAML.

#include "cli/settings_file.h"

#include "base/check.h"
#include "fuzz_target.h"

namespace kilotoken {
namespace {

void check(const SettingsFile::Values& values) {
  for (const auto& [name, texts] : values) {
    KT_CHECK(name.find('_') == std::string::npos, "names are as flags write them");
    KT_CHECK(texts.size() <= 1 << 20);
  }
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const char* path = data[0] == 'j' ? "settings.json" : "settings.yaml";
  const auto file = parse_settings(text, path, {"serve", "bench"});
  if (!file.ok()) {
    KT_CHECK(file.error().message.find(path) != std::string::npos, "an error names the file");
    return 0;
  }
  check(file->common);
  for (const auto& [command, values] : file->of_command) {
    KT_CHECK(command == "serve" || command == "bench");
    check(values);
  }
  return 0;
}
