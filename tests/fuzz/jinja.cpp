// A template up to the first zero byte; what follows is its variables in JSON.

#include "fuzz_target.h"
#include "model/jinja/template.h"

namespace kilotoken {
namespace {

void run(std::string_view input) {
  const size_t end = input.find('\0');
  const auto parsed = jinja::Template::parse(input.substr(0, end), "input");
  if (!parsed.ok()) return;
  OrderedJson variables = OrderedJson::object();
  if (end != input.npos) {
    auto json = parse_ordered_json(input.substr(end + 1), "input");
    if (json.ok() && json->is_object()) variables = std::move(*json);
  }
  // A second under sanitizers is less than what a template is given otherwise.
  constexpr jinja::Limits kLimits{.steps = 200'000, .memory_bytes = 8 << 20};
  const auto text = (*parsed)->render(variables, 1752148800, kLimits);
  const auto again = (*parsed)->render(variables, 1752148800, kLimits);
  KT_CHECK(text.ok() == again.ok(), "a template has no memory");
  if (text.ok()) KT_CHECK(*text == *again, "a template has no memory");
  (*parsed)->loops_over_item("messages", "content");
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kilotoken::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
