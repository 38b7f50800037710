#include "model/text/formats/sentencepiece_model.h"

#include <algorithm>
#include <cmath>

#include "model/text/formats/config_tokens.h"
#include "model/text/formats/json_parts.h"
#include "model/text/formats/protobuf.h"
#include "model/text/formats/sentencepiece_parts.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

using Piece = SentencePieceParts::Piece;

class Reader {
 public:
  explicit Reader(std::string_view where) : where_(where) {}

  Result<void> read(std::string_view file);
  Result<void> apply(const Json& config);
  SentencePieceParts take() { return std::move(parts_); }

 private:
  enum ModelType : uint64_t { kUnigram = 1, kBpe = 2 };

  Error refuse(const std::string& what) const {
    return Error{ErrorCode::kUnsupported, where_ + ": " + what + " is not in this build yet", {}};
  }
  Result<void> read_piece(ProtobufReader message);
  Result<void> read_trainer(ProtobufReader message);
  Result<void> read_normalizer(ProtobufReader message);
  Result<void> read_denormalizer(ProtobufReader message) const;
  Result<void> check() const;
  Result<void> add(AddedToken token);

  std::string where_;
  SentencePieceParts parts_;
  uint64_t model_type_ = kUnigram;
  bool byte_fallback_ = false;
  std::string bos_ = "<s>", eos_ = "</s>";
};

Result<void> Reader::read_piece(ProtobufReader message) {
  Piece piece;
  const size_t id = parts_.pieces.size();
  if (id >= static_cast<size_t>(kMostTokenIds)) return message.damaged("too many tokens");
  for (;;) {
    KT_TRY(const bool more, message.next());
    if (!more) break;
    if (message.field() == 1) {
      KT_TRY(const std::string_view text, message.bytes());
      piece.text = text;
    } else if (message.field() == 2) {
      KT_TRY(const float score, message.real());
      piece.score = score;
    } else if (message.field() == 3) {
      KT_TRY(const uint64_t type, message.number());
      if (type < SentencePieceParts::kNormal || type > SentencePieceParts::kByte) {
        return message.damaged("token " + std::to_string(id) + " is of type " +
                               std::to_string(type));
      }
      piece.type = static_cast<int64_t>(type);
    }
  }
  const std::string name = "token " + std::to_string(id);
  if (piece.text.empty()) return message.damaged(name + " has no text");
  if (first_invalid_utf8(piece.text)) return message.damaged(name + " is not UTF-8");
  if (!std::isfinite(piece.score)) return message.damaged(name + " has no score");
  if (piece.type == SentencePieceParts::kUnknown) {
    if (parts_.unknown_id >= 0) return message.damaged(name + " is a second unknown token");
    parts_.unknown_id = static_cast<int32_t>(id);
  }
  parts_.pieces.push_back(std::move(piece));
  return {};
}

Result<void> Reader::read_trainer(ProtobufReader message) {
  for (;;) {
    KT_TRY(const bool more, message.next());
    if (!more) return {};
    if (message.field() == 3) {
      KT_TRY(model_type_, message.number());
    } else if (message.field() == 24) {
      KT_TRY(const bool suffix, message.boolean());
      if (suffix) return refuse("treat_whitespace_as_suffix");
    } else if (message.field() == 35) {
      KT_TRY(byte_fallback_, message.boolean());
    } else if (message.field() == 46 || message.field() == 47) {
      KT_TRY(const std::string_view text, message.bytes());
      (message.field() == 46 ? bos_ : eos_) = text;
    }
  }
}

Result<void> Reader::read_normalizer(ProtobufReader message) {
  for (;;) {
    KT_TRY(const bool more, message.next());
    if (!more) return {};
    if (message.field() == 2) {
      KT_TRY(const std::string_view blob, message.bytes());
      parts_.charsmap.reset();
      if (blob.empty()) continue;
      KT_TRY(parts_.charsmap, Charsmap::from_bytes(blob, where_ + ": precompiled_charsmap"));
    } else if (message.field() == 3) {
      KT_TRY(parts_.add_dummy_prefix, message.boolean());
    } else if (message.field() == 4) {
      KT_TRY(parts_.remove_extra_whitespaces, message.boolean());
    } else if (message.field() == 5) {
      KT_TRY(parts_.escape_whitespaces, message.boolean());
    }
  }
}

Result<void> Reader::read_denormalizer(ProtobufReader message) const {
  for (;;) {
    KT_TRY(const bool more, message.next());
    if (!more) return {};
    if (message.field() != 2) continue;
    KT_TRY(const std::string_view blob, message.bytes());
    if (!blob.empty()) return refuse("a denormalizer");
  }
}

Result<void> Reader::read(std::string_view file) {
  parts_.remove_extra_whitespaces = true;  // what the format says where a file does not
  ProtobufReader message(file, where_);
  for (;;) {
    KT_TRY(const bool more, message.next());
    if (!more) return check();
    const uint32_t field = message.field();
    if (field != 1 && field != 2 && field != 3 && field != 5) continue;
    KT_TRY(ProtobufReader inner, message.message());
    switch (field) {
      case 1:
        KT_TRY_VOID(read_piece(std::move(inner)));
        break;
      case 2:
        KT_TRY_VOID(read_trainer(std::move(inner)));
        break;
      case 3:
        KT_TRY_VOID(read_normalizer(std::move(inner)));
        break;
      default:
        KT_TRY_VOID(read_denormalizer(std::move(inner)));
    }
  }
}

Result<void> Reader::check() const {
  if (parts_.pieces.empty()) return invalid(where_ + ": holds no tokens: no SentencePiece model");
  if (model_type_ != kUnigram && model_type_ != kBpe) {
    return refuse(model_type_ == 3   ? "model_type word"
                  : model_type_ == 4 ? "model_type char"
                                     : "model_type " + std::to_string(model_type_));
  }
  if (parts_.unknown_id < 0) return invalid(where_ + ": no token is of type unknown");
  const bool bytes = std::ranges::any_of(
      parts_.pieces, [](const Piece& piece) { return piece.type == SentencePieceParts::kByte; });
  if (bytes == byte_fallback_) return {};
  return invalid(where_ + (bytes ? ": there are byte tokens, though byte_fallback is false"
                                 : ": byte_fallback is true, but there are no byte tokens"));
}

// An added token may lie beyond the model's own; ids between are tokens without a text.
Result<void> Reader::add(AddedToken token) {
  const auto id = static_cast<size_t>(token.id);
  if (id >= parts_.pieces.size()) {
    Piece nothing;
    nothing.type = SentencePieceParts::kControl;
    parts_.pieces.resize(id + 1, nothing);
  }
  Piece& piece = parts_.pieces[id];
  if (!piece.text.empty() && piece.text != token.content) {
    return invalid(where_ + ": id " + std::to_string(id) + " belongs to two tokens, " +
                   printable(piece.text) + " and " + printable(token.content));
  }
  piece.text = token.content;
  parts_.added.push_back(std::move(token));
  return {};
}

Result<void> Reader::apply(const Json& config) {
  parts_.unigram = model_type_ == kUnigram;
  KT_TRY(std::vector<AddedToken> added,
         added_tokens_from_config(config, parts_.pieces.size(), where_));
  for (AddedToken& token : added) KT_TRY_VOID(add(std::move(token)));
  const FindToken find = [this](std::string_view text) -> std::optional<int32_t> {
    const auto found = std::ranges::find(parts_.pieces, text, &Piece::text);
    if (found == parts_.pieces.end()) return std::nullopt;
    return static_cast<int32_t>(found - parts_.pieces.begin());
  };
  KT_TRY(parts_.before,
         ids_at_end(config, {"add_bos_token", "bos_token", true, bos_}, find, where_));
  KT_TRY(parts_.after,
         ids_at_end(config, {"add_eos_token", "eos_token", false, eos_}, find, where_));
  if (!config.is_object()) return {};
  const JsonParts root(config, where_);
  KT_TRY(const bool legacy, root.boolean_or("legacy", true));
  KT_TRY(parts_.add_dummy_prefix, root.boolean_or("add_prefix_space", parts_.add_dummy_prefix));
  parts_.prefix_once = !legacy;
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_sentencepiece(std::string_view model,
                                                                const Json& tokenizer_config,
                                                                std::string_view where) {
  Reader reader(where);
  KT_TRY_VOID(reader.read(model));
  KT_TRY_VOID(reader.apply(tokenizer_config));
  return make_sentencepiece(reader.take(), where);
}

}  // namespace kilotoken
