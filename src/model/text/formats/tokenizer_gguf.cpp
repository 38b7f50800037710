// The tokenizer in GGUF metadata: tokenizer.ggml.model "llama" is SentencePiece BPE by scores,
// "gpt2" byte-level BPE, cut as tokenizer.ggml.pre says.

#include <cmath>

#include "model/text/formats/byte_level.h"
#include "model/text/formats/sentencepiece_parts.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/gguf_metadata.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kScores = "tokenizer.ggml.scores";
constexpr std::string_view kMerges = "tokenizer.ggml.merges";
constexpr std::string_view kTypes = "tokenizer.ggml.token_type";

Error damaged(std::string_view where, std::string_view what) {
  return invalid(std::string(where) + ": " + std::string(what) + ": the file is damaged");
}

// One of the arrays that have an element for each token.
Result<const GgufArray*> token_array(const GgufKeys& keys, std::string_view key, size_t count,
                                     std::string_view where) {
  KT_TRY(const GgufArray* array, keys.array(key));
  if (!array) return damaged(where, "metadata key " + std::string(key) + " is missing");
  if (array->size() != count) {
    return damaged(where, std::string(key) + " has " + std::to_string(array->size()) +
                              " elements for " + std::to_string(count) + " tokens");
  }
  return array;
}

Result<void> read_pieces(const GgufKeys& keys, std::string_view where, SentencePieceParts& parts) {
  KT_TRY(const GgufArray* tokens, keys.array(kTokens));
  if (!tokens || tokens->empty()) return damaged(where, "the tokenizer has no tokens");
  const size_t count = tokens->size();
  KT_TRY(const GgufArray* scores, token_array(keys, kScores, count, where));
  KT_TRY(const GgufArray* types, token_array(keys, kTypes, count, where));
  for (size_t i = 0; i < count; ++i) {
    const std::string id = std::to_string(i);
    const auto* text = std::get_if<std::string>(&(*tokens)[i].value);
    const auto* type = std::get_if<int64_t>(&(*types)[i].value);
    const auto* score = std::get_if<double>(&(*scores)[i].value);
    if (!text || !type) return damaged(where, "token " + id + " has no text or no type");
    if (first_invalid_utf8(*text)) return damaged(where, "token " + id + " is not UTF-8");
    if (!score || !std::isfinite(*score)) return damaged(where, "token " + id + " has no score");
    parts.pieces.push_back({*text, *score, *type});
  }
  return {};
}

// A token id among the metadata; -1 if absent.
Result<int32_t> token_id(const GgufKeys& keys, std::string_view key, size_t count,
                         std::string_view where) {
  KT_TRY(const std::optional<int64_t> id, keys.integer(key));
  if (!id) return int32_t{-1};
  if (*id < 0 || *id >= static_cast<int64_t>(count)) {
    return damaged(where, std::string(key) + " is " + std::to_string(*id) + ", there are " +
                              std::to_string(count) + " tokens");
  }
  return static_cast<int32_t>(*id);
}

struct Surroundings {
  std::vector<int32_t> before, after;
};
Result<Surroundings> read_surroundings(const GgufKeys& keys, std::string_view where, size_t count,
                                       bool adds_bos) {
  Surroundings parts;
  const struct {
    const char *flag, *token;
    bool otherwise;
    std::vector<int32_t>& ids;
  } sides[] = {
      {"tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id", adds_bos, parts.before},
      {"tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id", false, parts.after},
  };
  for (const auto& side : sides) {
    KT_TRY(const std::optional<bool> add, keys.boolean(side.flag));
    if (!add.value_or(side.otherwise)) continue;
    KT_TRY(const int32_t id, token_id(keys, side.token, count, where));
    if (id < 0) {
      return damaged(where, "metadata key " + std::string(side.token) + " is missing, though " +
                                side.flag + " is true");
    }
    side.ids.push_back(id);
  }
  return parts;
}

Result<std::unique_ptr<Tokenizer>> sentencepiece(const GgufKeys& keys, std::string_view where) {
  SentencePieceParts parts;
  KT_TRY_VOID(read_pieces(keys, where, parts));
  KT_TRY(Surroundings around, read_surroundings(keys, where, parts.pieces.size(), true));
  parts.before = std::move(around.before);
  parts.after = std::move(around.after);
  KT_TRY(parts.unknown_id,
         token_id(keys, "tokenizer.ggml.unknown_token_id", parts.pieces.size(), where));
  KT_TRY(const std::optional<bool> prefix, keys.boolean("tokenizer.ggml.add_space_prefix"));
  parts.add_dummy_prefix = prefix.value_or(true);
  return make_sentencepiece(std::move(parts), where);
}

Result<void> read_byte_level(const GgufKeys& keys, std::string_view where, ByteLevelParts& parts) {
  KT_TRY(const GgufArray* tokens, keys.array(kTokens));
  if (!tokens || tokens->empty()) return damaged(where, "the tokenizer has no tokens");
  KT_TRY(const GgufArray* types, token_array(keys, kTypes, tokens->size(), where));
  for (size_t i = 0; i < tokens->size(); ++i) {
    const std::string id = std::to_string(i);
    const auto* text = std::get_if<std::string>(&(*tokens)[i].value);
    const auto* type = std::get_if<int64_t>(&(*types)[i].value);
    if (!text || !type) return damaged(where, "token " + id + " has no text or no type");
    if (first_invalid_utf8(*text)) return damaged(where, "token " + id + " is not UTF-8");
    const bool special =
        *type == SentencePieceParts::kControl || *type == SentencePieceParts::kUnknown;
    if ((special || *type == SentencePieceParts::kUserDefined) && !text->empty()) {
      AddedToken added;
      added.content = *text;
      added.id = static_cast<int32_t>(i);
      added.special = special;
      parts.added.push_back(std::move(added));
    }
    parts.tokens.push_back({*text, special});
  }
  KT_TRY(const GgufArray* merges, keys.array(kMerges));
  if (!merges) return damaged(where, "metadata key tokenizer.ggml.merges is missing");
  for (const GgufValue& merge : *merges) {
    const auto* text = std::get_if<std::string>(&merge.value);
    if (!text) return damaged(where, "tokenizer.ggml.merges is no list of texts");
    parts.merges.push_back(*text);
  }
  return {};
}

Result<std::unique_ptr<Tokenizer>> byte_level(const GgufKeys& keys, std::string_view where) {
  ByteLevelParts parts;
  KT_TRY_VOID(read_byte_level(keys, where, parts));
  KT_TRY(const std::optional<std::string> pre, keys.string("tokenizer.ggml.pre"));
  const std::string name = pre.value_or("default");
  const auto split = split_patterns(name);
  if (!split) {
    return Error{ErrorCode::kUnsupported,
                 std::string(where) + ": tokenizer.ggml.pre " + printable(name) +
                     " is not in this build yet",
                 "tokenizer.ggml.pre"};
  }
  parts.split = *split;
  // Of these llama.cpp puts BOS in front where the file does not say.
  const bool adds_bos =
      name == "llama3" || name == "llama-v3" || name == "llama-bpe" || name == "tekken";
  KT_TRY(Surroundings around, read_surroundings(keys, where, parts.tokens.size(), adds_bos));
  parts.before = std::move(around.before);
  parts.after = std::move(around.after);
  return make_byte_level_tokenizer(std::move(parts), where);
}

Result<std::unique_ptr<Tokenizer>> named(std::string_view model, const GgufKeys& keys,
                                         std::string_view where) {
  if (model == "llama") return sentencepiece(keys, where);
  if (model == "gpt2") return byte_level(keys, where);
  return Error{ErrorCode::kUnsupported,
               std::string(where) + ": tokenizer.ggml.model " + printable(model) +
                   " is not in this build yet (llama and gpt2 are)",
               "tokenizer.ggml.model"};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufFile& file,
                                                       std::string_view where) {
  const GgufKeys keys(file.metadata(), where);
  KT_TRY(const std::optional<std::string> model, keys.string("tokenizer.ggml.model"));
  if (!model) {
    return Error{ErrorCode::kNotFound, std::string(where) + ": the file holds no tokenizer", {}};
  }
  return named(*model, keys, where);
}

}  // namespace kilotoken
