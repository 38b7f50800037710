// The file, the configuration in it, and the tokenizer in it.

#include "fuzz_target.h"
#include "model/config/model_config.h"
#include "model/text/tokenizer.h"
#include "weights_touch.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  const auto file = parse_gguf(std::as_bytes(std::span(data, size)), "input");
  if (!file.ok()) return 0;
  touch_all(**file);
  [[maybe_unused]] const auto config = model_config_from_gguf(**file, "input");
  [[maybe_unused]] const auto defaults = generation_defaults_from_gguf(**file);
  const auto tokenizer = tokenizer_from_gguf(**file, "input");
  if (!tokenizer.ok()) return 0;
  const auto ids = (*tokenizer)->encode("a b\u00e9 <s>aaaa", true);
  KT_CHECK(ids.ok(), "the text is UTF-8");
  for (const int32_t id : *ids) KT_CHECK(id >= 0 && id < (*tokenizer)->vocab_size());
  (*tokenizer)->decode(*ids, false);
  return 0;
}
