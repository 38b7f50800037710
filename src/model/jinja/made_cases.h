#pragma once
// For tests: sources and what Jinja2 made of them, all with the same variables.

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "model/jinja/template.h"

namespace kilotoken::jinja {

inline constexpr int64_t kNoon_unix_s = 1752148800;  // 2025-07-10 12:00 UTC

inline Result<std::string> render(const std::string& source, const OrderedJson& variables) {
  auto parsed = Template::parse(source, "test");
  if (!parsed.ok()) return parsed.error();
  return (*parsed)->render(variables, kNoon_unix_s);
}

inline OrderedJson made_variables() {
  return OrderedJson::parse(R"json(
{"s": "Hello wörld, ça va?\n  two\tlines ",
"n": 5,
"neg": -7,
"f": 2.5,
"t": true, "no": null, "l": [3, 1, 2],
"ls": ["b",
"A",
"c"],
"d": {"b": 1,
"a": 2,
"C": null},
"us": [{"name": "bob",
"age": 3,
"x": {"y": 1}}, {"name": "Al",
"age": 9,
"x": {"y": 2}}, {"name": "cy",
"age": 3}],
"e": [],
"u": "日本語テキスト",
"big": 1000000000000000,
"q": "it's \"q\" \\ \n"}
)json");
}

struct MadeCase {
  const char* source;
  const char* wanted;  // null where Python raises
};

inline void expect_as_python(std::span<const MadeCase> cases) {
  const OrderedJson variables = made_variables();
  for (const MadeCase& each : cases) {
    const auto got = render(each.source, variables);
    if (each.wanted == nullptr) {
      EXPECT_FALSE(got.ok()) << each.source << " gave " << *got;
    } else if (!got.ok()) {
      ADD_FAILURE() << each.source << " failed: " << got.error().message;
    } else {
      EXPECT_EQ(*got, each.wanted) << each.source;
    }
  }
}

}  // namespace kilotoken::jinja
