// One object, read as config.json and as generation_config.json.

#include "fuzz_target.h"
#include "model/config/model_config.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  const auto json = parse_json({reinterpret_cast<const char*>(data), size}, "input");
  if (!json.ok()) return 0;
  [[maybe_unused]] const auto config = model_config_from_json(*json, "input");
  [[maybe_unused]] const auto defaults = generation_defaults_from_json(*json, Json());
  return 0;
}
