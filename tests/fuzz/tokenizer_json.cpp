// tokenizer.json up to the first zero byte; what follows is a text to encode, and ids to decode.

#include "fuzz_target.h"
#include "tokenizer_touch.h"

namespace kilotoken {
namespace {

void run(std::string_view input) {
  const size_t end = input.find('\0');
  const std::string_view json = input.substr(0, end);
  const std::string_view text = end == input.npos ? "a b" : input.substr(end + 1);
  const auto parsed = parse_json(json, "input");
  if (!parsed.ok()) return;
  const auto tokenizer = tokenizer_from_json(*parsed, "input");
  if (tokenizer.ok()) touch(**tokenizer, text);
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kilotoken::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
