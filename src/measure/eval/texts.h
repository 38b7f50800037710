#pragma once
// The texts that perplexity and KL divergence are measured on, as windows of tokens.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "measure/eval/eval_model.h"
#include "measure/eval/scorer.h"

namespace kilotoken {

struct EvalText {
  std::string text;
  // Of a whole document whose end is part of it: its information, -log of its probability, in nats.
  // No model's expected loss is less.
  std::optional<double> nats;
  std::string kind;  // results are also given by kind; empty: none
};

// A .jsonl file with an object {"text", and if known "nats" and "kind"} a line, or any other file
// as one text. The first `limit` of them (0 = all).
Result<std::vector<EvalText>> read_texts(const std::filesystem::path& path, int limit);

// A stretch of a text with every token predicted once: in disjoint windows, each begun with the one
// token before it, the first with the begin token (as lm-evaluation-harness rolls). Of a text with
// `nats` the end token is predicted too.
struct Window {
  size_t text = 0;
  ScoredText scored;             // first = 1
  std::vector<int32_t> targets;  // [i]: the token at position 1 + i
};

struct TokenizedTexts {
  std::vector<EvalText> texts;
  std::vector<Window> windows;
  std::vector<double> tokens;  // predicted, by text
};

// `window_tokens`: predicted by one window; the model's context is not exceeded.
Result<TokenizedTexts> tokenize(const EvalModel& model, std::vector<EvalText> texts,
                                int window_tokens);

std::vector<ScoredText> scored_texts(std::span<const Window> windows);

// Of valid UTF-8.
size_t characters_of(std::string_view text);

}  // namespace kilotoken
