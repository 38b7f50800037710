#pragma once
// The patterns that byte-level tokenizers cut their text with, where a file only names them: as
// published with each model's tokenizer, under llama.cpp's names (tokenizer.ggml.pre).

#include <optional>
#include <span>
#include <string_view>

namespace kilotoken {

struct SplitPatterns {
  std::span<const std::string_view> patterns;  // one after another, on what the last one left
  bool ignore_merges = false;                  // a piece of the vocabulary is taken as it is
};

// Nothing for a name that is not in this build.
std::optional<SplitPatterns> split_patterns(std::string_view name);

}  // namespace kilotoken
