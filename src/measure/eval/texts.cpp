#include "measure/eval/texts.h"

#include <algorithm>
#include <cmath>

#include "base/files.h"
#include "base/json.h"

namespace kilotoken {
namespace {

Result<EvalText> read_line(std::string_view line, const std::string& where) {
  KT_TRY(const Json row, parse_json(line, where));
  if (!row.is_object() || !row.contains("text") || !row["text"].is_string()) {
    return invalid(where + ": needs an object with \"text\", a string");
  }
  EvalText out{row["text"].get<std::string>(), std::nullopt, {}};
  if (row.contains("kind")) {
    if (!row["kind"].is_string()) return invalid(where + ": \"kind\" must be a string");
    out.kind = row["kind"].get<std::string>();
  }
  if (row.contains("nats")) {
    if (!row["nats"].is_number() || !(row["nats"].get<double>() >= 0)) {
      return invalid(where + ": \"nats\" must be a number of at least 0");
    }
    out.nats = row["nats"].get<double>();
  }
  return out;
}

}  // namespace

Result<std::vector<EvalText>> read_texts(const std::filesystem::path& path, int limit) {
  KT_TRY(std::string content, read_text_file(path));
  std::vector<EvalText> out;
  if (path.extension() != ".jsonl") {
    out.push_back({std::move(content), std::nullopt, {}});
    return out;
  }
  int number = 0;
  for (size_t at = 0; at < content.size() && (limit == 0 || std::ssize(out) < limit);) {
    const size_t end = std::min(content.find('\n', at), content.size());
    const std::string_view line = std::string_view(content).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.empty()) continue;
    KT_TRY(EvalText text, read_line(line, path.string() + ":" + std::to_string(number)));
    out.push_back(std::move(text));
  }
  if (out.empty()) return invalid(path.string() + ": no texts in it");
  return out;
}

Result<TokenizedTexts> tokenize(const EvalModel& model, std::vector<EvalText> texts,
                                int window_tokens) {
  if (!model.files.tokenizer) {
    return invalid(model.files.path.string() + " has no tokenizer: it cannot read text");
  }
  const int length = window_tokens;
  KT_CHECK(length > 0, "a window holds at least one token");
  if (length > model.files.config.max_position_embeddings) {
    return invalid("windows of " + std::to_string(length) +
                   " tokens: " + model.files.path.string() + " takes " +
                   std::to_string(model.files.config.max_position_embeddings) + " at most");
  }
  KT_TRY(const int32_t begin, model.begin_token());
  TokenizedTexts out;
  for (size_t i = 0; i < texts.size(); ++i) {
    KT_TRY(std::vector<int32_t> ids, model.files.tokenizer->encode(texts[i].text, false));
    ids.insert(ids.begin(), begin);
    if (texts[i].nats) {
      KT_TRY(const int32_t end, model.end_token());
      ids.push_back(end);
    }
    if (ids.size() < 2) {
      return invalid("text " + std::to_string(i + 1) + " is empty: there is nothing to score");
    }
    for (size_t at = 1; at < ids.size(); at += static_cast<size_t>(length)) {
      const size_t end = std::min(ids.size(), at + static_cast<size_t>(length));
      const auto token = [&](size_t index) {
        return ids.begin() + static_cast<std::ptrdiff_t>(index);
      };
      out.windows.push_back(
          {i, {{token(at - 1), token(end - 1)}, /*first=*/1}, {token(at), token(end)}});
    }
    out.tokens.push_back(static_cast<double>(ids.size() - 1));
  }
  out.texts = std::move(texts);
  return out;
}

std::vector<ScoredText> scored_texts(std::span<const Window> windows) {
  std::vector<ScoredText> out;
  for (const Window& window : windows) out.push_back(window.scored);
  return out;
}

size_t characters_of(std::string_view text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace kilotoken
