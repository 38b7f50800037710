#include "serve/load/tokenizer_files.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "model/text/formats/config_tokens.h"
#include "model/text/formats/sentencepiece_model.h"
#include "model/text/formats/vocabulary_files.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;
using Opened = Result<std::unique_ptr<Tokenizer>>;

Result<Json> read_json(const fs::path& path) {
  KT_TRY(const std::string text, read_text_file(path));
  return parse_json(text, path.string());
}

std::string text_or_empty(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found == object.end() || !found->is_string() ? std::string() : found->get<std::string>();
}

bool says(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && !object.at(name).is_null();
}

std::optional<int32_t> added_token_id(const Json& tokenizer, std::string_view text) {
  if (!tokenizer.is_object() || !tokenizer.contains("added_tokens")) return std::nullopt;
  for (const Json& token : tokenizer.at("added_tokens")) {
    if (text_or_empty(token, "content") != text || !token.contains("id")) continue;
    const Json& id = token.at("id");
    if (id.is_number_integer() && id >= 0 && id < kMostTokenIds) return id.get<int32_t>();
  }
  return std::nullopt;
}

void append_special(Json& pieces, Json& specials, const std::vector<int32_t>& ids, uint32_t type) {
  for (const int32_t id : ids) {
    const std::string name = std::to_string(id);
    pieces.push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
    specials[name] = {{"id", name}, {"ids", {static_cast<uint32_t>(id)}}, {"tokens", {name}}};
  }
}

// transformers' LlamaTokenizer writes the post-processor itself, from its configuration. Without a
// word of it there the file's own stays.
Result<void> put_llama_ends(Json& tokenizer, const Json& config, const std::string& where) {
  if (!text_or_empty(config, "tokenizer_class").starts_with("LlamaTokenizer")) return {};
  if (!says(config, "add_bos_token") && !says(config, "add_eos_token")) return {};
  const FindToken find = [&tokenizer](std::string_view text) {
    return added_token_id(tokenizer, text);
  };
  KT_TRY(const auto before,
         ids_at_end(config, {"add_bos_token", "bos_token", true, "<s>"}, find, where));
  KT_TRY(const auto after,
         ids_at_end(config, {"add_eos_token", "eos_token", false, "</s>"}, find, where));
  Json single = Json::array(), pair = Json::array(), specials = Json::object();
  for (const uint32_t type : {0u, 1u}) {
    for (Json* pieces : {&single, &pair}) {
      if (pieces == &single && type == 1) continue;
      append_special(*pieces, specials, before, type);
      pieces->push_back({{"Sequence", {{"id", type == 0 ? "A" : "B"}, {"type_id", type}}}});
      append_special(*pieces, specials, after, type);
    }
  }
  tokenizer["post_processor"] = {{"type", "TemplateProcessing"},
                                 {"single", std::move(single)},
                                 {"pair", std::move(pair)},
                                 {"special_tokens", std::move(specials)}};
  return {};
}

Opened from_json(const fs::path& path, const Json& config) {
  KT_TRY(Json tokenizer, read_json(path));
  KT_TRY_VOID(put_llama_ends(tokenizer, config, path.string()));
  return tokenizer_from_json(tokenizer, path.string());
}

// The file holds no pattern, so its published name says which one.
Opened from_tiktoken(const fs::path& path, const Json& config) {
  const std::string stem = path.stem().string();
  constexpr std::pair<std::string_view, std::string_view> kPatterns[] = {
      {"cl100k", "cl100k"}, {"o200k", "o200k"}, {"r50k", "gpt-2"},
      {"p50k", "gpt-2"},    {"gpt2", "gpt-2"},  {"qwen", "qwen2"}};
  std::string_view pattern = stem;
  for (const auto& [beginning, name] : kPatterns) {
    if (stem.starts_with(beginning)) pattern = name;
  }
  KT_TRY(const std::string ranks, read_text_file(path));
  return tokenizer_from_tiktoken(ranks, pattern, config, path.string());
}

Opened from_vocab_and_merges(const fs::path& folder, const Json& config) {
  const std::string kind = text_or_empty(config, "tokenizer_class");
  if (!kind.empty() && !kind.starts_with("GPT2Tokenizer")) {
    return Error{ErrorCode::kUnsupported,
                 folder.string() + ": vocab.json and merges.txt of a " + printable(kind) +
                     " are not in this build yet (those of a GPT2Tokenizer are): save the "
                     "tokenizer as tokenizer.json",
                 "tokenizer_class"};
  }
  KT_TRY(const Json vocab, read_json(folder / "vocab.json"));
  KT_TRY(const std::string merges, read_text_file(folder / "merges.txt"));
  return tokenizer_from_vocab_and_merges(vocab, merges, config, (folder / "vocab.json").string());
}

// The first by name; empty: there is none.
fs::path tiktoken_file(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".tiktoken") found.push_back(at->path());
  }
  return found.empty() ? fs::path() : *std::ranges::min_element(found);
}

}  // namespace

Opened open_tokenizer(const fs::path& folder, const Json& tokenizer_config) {
  const fs::path json = folder / "tokenizer.json", model = folder / "tokenizer.model";
  if (fs::exists(json)) return from_json(json, tokenizer_config);
  if (fs::exists(model)) {
    KT_TRY(const std::string bytes, read_text_file(model));
    return tokenizer_from_sentencepiece(bytes, tokenizer_config, model.string());
  }
  const fs::path tiktoken = tiktoken_file(folder);
  if (!tiktoken.empty()) return from_tiktoken(tiktoken, tokenizer_config);
  if (fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt")) {
    return from_vocab_and_merges(folder, tokenizer_config);
  }
  return std::unique_ptr<Tokenizer>();
}

}  // namespace kilotoken
