// The tokenizer in GGUF metadata: tokenizer.ggml.model "llama" is SentencePiece BPE by scores.

#include <cmath>
#include <limits>

#include "model/text/sentencepiece.h"
#include "model/text/utf8.h"
#include "model/weights/gguf_metadata.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

// tokenizer.ggml.token_type, as llama.cpp numbers them.
enum TokenType : int64_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

constexpr std::string_view kTokens = "tokenizer.ggml.tokens";
constexpr std::string_view kScores = "tokenizer.ggml.scores";
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

Result<SentencePieceParts::Piece> piece_of(const GgufValue& token, const GgufValue& type,
                                           std::string_view where, const std::string& id) {
  const auto* text = std::get_if<std::string>(&token.value);
  const auto* kind = std::get_if<int64_t>(&type.value);
  if (!text || !kind) return damaged(where, "token " + id + " has no text or no type");
  if (first_invalid_utf8(*text)) return damaged(where, "token " + id + " is not UTF-8");
  SentencePieceParts::Piece piece;
  piece.text = *text;
  piece.special = *kind == kControl || *kind == kUnknown;
  piece.in_model = *kind == kNormal || *kind == kUserDefined || *kind == kUnused;
  if (*kind == kByte) {
    piece.byte = byte_of_piece(piece.text);
    if (piece.byte < 0) {
      return damaged(where, "token " + id + " is a byte, but is written " + printable(*text));
    }
  }
  return piece;
}

Result<void> read_pieces(const GgufKeys& keys, std::string_view where, SentencePieceParts& parts) {
  KT_TRY(const GgufArray* tokens, keys.array(kTokens));
  if (!tokens || tokens->empty()) return damaged(where, "the tokenizer has no tokens");
  const size_t count = tokens->size();
  KT_TRY(const GgufArray* scores, token_array(keys, kScores, count, where));
  KT_TRY(const GgufArray* types, token_array(keys, kTypes, count, where));
  for (size_t i = 0; i < count; ++i) {
    const std::string id = std::to_string(i);
    KT_TRY(SentencePieceParts::Piece piece, piece_of((*tokens)[i], (*types)[i], where, id));
    const auto* score = std::get_if<double>(&(*scores)[i].value);
    if (!score || !std::isfinite(*score)) return damaged(where, "token " + id + " has no score");
    const bool written_out = piece.special || std::get<int64_t>((*types)[i].value) == kUserDefined;
    if (written_out && !piece.text.empty()) {
      parts.added.push_back(
          {.content = piece.text, .id = static_cast<int32_t>(i), .special = piece.special});
    }
    parts.scores.push_back(static_cast<float>(*score));
    parts.pieces.push_back(std::move(piece));
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

Result<void> read_surroundings(const GgufKeys& keys, std::string_view where,
                               SentencePieceParts& parts) {
  const struct {
    const char *flag, *token;
    bool otherwise;
    std::vector<int32_t>& ids;
  } sides[] = {
      {"tokenizer.ggml.add_bos_token", "tokenizer.ggml.bos_token_id", true, parts.before},
      {"tokenizer.ggml.add_eos_token", "tokenizer.ggml.eos_token_id", false, parts.after},
  };
  for (const auto& side : sides) {
    KT_TRY(const std::optional<bool> add, keys.boolean(side.flag));
    if (!add.value_or(side.otherwise)) continue;
    KT_TRY(const int32_t id, token_id(keys, side.token, parts.pieces.size(), where));
    if (id < 0) {
      return damaged(where, "metadata key " + std::string(side.token) + " is missing, though " +
                                side.flag + " is true");
    }
    side.ids.push_back(id);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_gguf(const GgufFile& file,
                                                       std::string_view where) {
  const GgufKeys keys(file.metadata(), where);
  KT_TRY(const std::optional<std::string> model, keys.string("tokenizer.ggml.model"));
  if (!model) {
    return Error{ErrorCode::kNotFound, std::string(where) + ": the file holds no tokenizer", {}};
  }
  if (*model != "llama") {
    return Error{ErrorCode::kUnsupported,
                 std::string(where) + ": tokenizer.ggml.model " + printable(*model) +
                     " is not in this build yet (llama is)",
                 "tokenizer.ggml.model"};
  }
  SentencePieceParts parts;
  parts.by_score = true;
  KT_TRY_VOID(read_pieces(keys, where, parts));
  KT_TRY_VOID(read_surroundings(keys, where, parts));
  KT_TRY(parts.unknown_id,
         token_id(keys, "tokenizer.ggml.unknown_token_id", parts.pieces.size(), where));
  KT_TRY(const std::optional<bool> prefix, keys.boolean("tokenizer.ggml.add_space_prefix"));
  parts.space_prefix = prefix.value_or(true) ? SpacePrefix::kAlways : SpacePrefix::kNone;
  parts.strips_leading_space = prefix.value_or(true);
  KT_TRY_VOID(check_unknown_characters(parts, where));
  return std::unique_ptr<Tokenizer>(std::make_unique<SentencePiece>(std::move(parts)));
}

}  // namespace kilotoken
