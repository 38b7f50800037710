#include "fuzz_target.h"
#include "weights_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  const auto source = parse_safetensors(std::as_bytes(std::span(data, size)), "input");
  if (source.ok()) touch_all(**source);
  return 0;
}
