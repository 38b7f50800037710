#pragma once
// What benchmarks share: their flags (whole numbers, switches, texts), words that are none, and how
// they end.

#include <charconv>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kilotoken::bench {

struct Option {
  std::string_view name;  // "--threads"
  // One of these: takes a number >= 1, nothing, any text.
  int* number = nullptr;
  bool* on = nullptr;
  std::string* text = nullptr;
};

// Words that are no flag, or what is wrong.
inline Result<std::vector<std::string>> parse_options(int argc, char** argv,
                                                      std::span<const Option> options) {
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      words.emplace_back(word);
      continue;
    }
    const Option* found = nullptr;
    std::string names;
    for (const Option& option : options) {
      if (option.name == word) found = &option;
      names += (names.empty() ? "" : ", ") + std::string(option.name);
    }
    if (found == nullptr) {
      return invalid("no option " + std::string(word) + "; there are: " + names);
    }
    if (found->on != nullptr) {
      *found->on = true;
      continue;
    }
    const std::string_view text = i + 1 < argc ? argv[++i] : "";
    if (found->text != nullptr) {
      *found->text = text;
      continue;
    }
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), *found->number);
    if (error != std::errc{} || end != text.data() + text.size() || *found->number < 1) {
      return invalid(std::string(word) + " takes a whole number from 1 on, not \"" +
                     std::string(text) + "\"");
    }
  }
  return words;
}

// What main() returns; an error goes to standard error.
inline int exit_status(const Result<void>& done, const char* name) {
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", name, done.error().message.c_str());
  return 1;
}

}  // namespace kilotoken::bench
