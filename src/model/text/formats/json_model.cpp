#include "model/text/formats/json_model.h"

#include <algorithm>
#include <cmath>

#include "model/text/byte_alphabet.h"
#include "model/text/models/bpe.h"
#include "model/text/models/unigram.h"
#include "model/text/models/wordpiece.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

using Ids = StringTable;

Ids ids_of(const std::vector<std::string>& pieces) {
  size_t bytes = 0;
  for (const std::string& piece : pieces) bytes += piece.size();
  Ids ids;
  ids.reserve(pieces.size(), bytes);
  for (size_t i = pieces.size(); i-- > 0;) {
    if (!pieces[i].empty()) ids.put(pieces[i], static_cast<int32_t>(i));
  }
  return ids;
}

Result<std::pair<std::string_view, std::string_view>> halves_of(const Json& merge) {
  const Error wrong = invalid("is neither \"left right\" nor [\"left\", \"right\"]");
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
    return std::pair<std::string_view, std::string_view>(merge[0].get_ref<const std::string&>(),
                                                         merge[1].get_ref<const std::string&>());
  }
  if (!merge.is_string()) return wrong;
  const std::string_view text = merge.get_ref<const std::string&>();
  const size_t space = text.find(' ');
  if (space == text.npos || text.find(' ', space + 1) != text.npos) return wrong;
  return std::pair(text.substr(0, space), text.substr(space + 1));
}

Result<void> read_merges(const JsonParts& model, const Ids& ids, BpeParts& parts) {
  const Json* merges = model.find("merges");
  if (!merges || !merges->is_array()) return invalid(model.where() + ".merges is not a list");
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string name = model.where() + ".merges[" + std::to_string(i) + "] ";
    const auto halves = halves_of((*merges)[i]);
    if (!halves.ok()) return invalid(name + halves.error().message);
    std::string_view right = halves->second;
    // What continues a word is written with the prefix, which is not in the middle of a piece.
    if (right.starts_with(parts.prefix)) right.remove_prefix(parts.prefix.size());
    BpeParts::Merge merge{};
    merge.rank = static_cast<uint32_t>(i);
    const std::string whole = std::string(halves->first) + std::string(right);
    const std::pair<std::string_view, int32_t*> pieces[] = {
        {halves->first, &merge.left}, {halves->second, &merge.right}, {whole, &merge.merged}};
    for (const auto& [text, id] : pieces) {
      *id = ids.find(text);
      if (*id < 0) {
        return invalid(name + "needs the piece " + printable(text) +
                       ", which is not in model.vocab: the file is damaged, fetch it again");
      }
    }
    parts.merges.push_back(merge);
  }
  return {};
}

Result<void> read_bytes(const JsonParts& model, const std::vector<std::string>& pieces,
                        std::array<int32_t, 256>& byte_ids) {
  for (size_t id = 0; id < pieces.size(); ++id) {
    const int byte = byte_of_piece(pieces[id]);
    if (byte >= 0) byte_ids[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
  }
  const auto missing = std::ranges::find(byte_ids, -1);
  const bool none = std::ranges::all_of(byte_ids, [](int32_t id) { return id < 0; });
  if (missing == byte_ids.end() || none) return {};
  return invalid(model.where() + ": the vocabulary has byte tokens, but none for byte " +
                 std::to_string(missing - byte_ids.begin()) + ": it is damaged, fetch it again");
}

// -1 if the model names none.
Result<int32_t> unknown_token(const JsonParts& model, const Ids& ids) {
  KT_TRY(const std::string name, model.string_or("unk_token", ""));
  if (name.empty()) return int32_t{-1};
  const int32_t id = ids.find(name);
  if (id >= 0) return id;
  return invalid(model.where() + ": unk_token " + printable(name) + " is not in model.vocab");
}

Result<std::unique_ptr<TextModel>> bpe(const JsonParts& model, const JsonVocabulary& vocabulary) {
  KT_TRY_VOID(
      model.only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                  "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  KT_TRY_VOID(model.must_be_empty("dropout"));
  BpeParts parts;
  const Ids ids = ids_of(vocabulary.pieces);
  KT_TRY(parts.prefix, model.string_or("continuing_subword_prefix", ""));
  KT_TRY(parts.suffix, model.string_or("end_of_word_suffix", ""));
  KT_TRY(parts.ignore_merges, model.boolean_or("ignore_merges", false));
  KT_TRY(parts.fuse_unknown, model.boolean_or("fuse_unk", false));
  KT_TRY(const bool byte_fallback, model.boolean_or("byte_fallback", false));
  if (byte_fallback) KT_TRY_VOID(read_bytes(model, vocabulary.pieces, parts.byte_ids));
  KT_TRY_VOID(read_merges(model, ids, parts));
  const auto unknown = unknown_token(model, ids);
  if (unknown.ok()) parts.unknown_id = *unknown;

  parts.pieces = vocabulary.pieces;
  parts.token_count = parts.pieces.size();
  parts.of_bytes = vocabulary.of_bytes;
  if (parts.of_bytes) {
    for (std::string& piece : parts.pieces) piece = from_byte_alphabet(piece).value_or("");
  }
  // With a piece for every byte there are no unknown ones.
  if (!parts.of_bytes && !unknown.ok()) return unknown.error();
  if (!parts.of_bytes && parts.unknown_id < 0 && parts.byte_ids[0] < 0) {
    return invalid(model.where() +
                   ": the vocabulary has neither byte tokens nor an unknown token, so it cannot "
                   "write every text");
  }
  return make_bpe(std::move(parts));
}

Result<std::unique_ptr<TextModel>> wordpiece(const JsonParts& model,
                                             const JsonVocabulary& vocabulary, bool whole_words) {
  KT_TRY_VOID(model.only(
      {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"}));
  WordPieceParts parts;
  KT_TRY(parts.prefix, model.string_or("continuing_subword_prefix", "##"));
  KT_TRY(parts.most_characters, model.count_or("max_input_chars_per_word", 100, UINT32_MAX));
  KT_TRY(parts.unknown_id, unknown_token(model, ids_of(vocabulary.pieces)));
  if (parts.unknown_id < 0) return invalid(model.where() + ": unk_token is missing");
  parts.pieces = vocabulary.pieces;
  return whole_words ? make_wordlevel(parts) : make_wordpiece(parts);
}

Result<std::unique_ptr<TextModel>> unigram(const JsonParts& model,
                                           const JsonVocabulary& vocabulary) {
  KT_TRY_VOID(model.only({"type", "unk_id", "vocab", "byte_fallback"}));
  const Json& list = *model.find("vocab");  // checked where the vocabulary was read
  UnigramParts parts;
  for (size_t id = 0; id < list.size(); ++id) {
    const Json& score = list[id][1];
    if (!score.is_number() || !std::isfinite(score.get<double>())) {
      return invalid(model.where() + ".vocab[" + std::to_string(id) + "] has no score");
    }
    parts.pieces.push_back({vocabulary.pieces[id], score.get<double>()});
  }
  if (parts.pieces.empty()) return invalid(model.where() + ".vocab is empty");
  if (model.find("unk_id")) {
    KT_TRY(const uint64_t unknown, model.count_or("unk_id", 0, parts.pieces.size() - 1));
    parts.unknown_id = static_cast<int32_t>(unknown);
  }
  parts.byte_ids = BpeParts::no_bytes();
  KT_TRY(const bool byte_fallback, model.boolean_or("byte_fallback", false));
  if (byte_fallback) KT_TRY_VOID(read_bytes(model, vocabulary.pieces, parts.byte_ids));
  return make_unigram(std::move(parts));
}

}  // namespace

Result<std::string> model_type(const JsonParts& model) {
  KT_TRY(const std::string type, model.string_or("type", ""));
  if (!type.empty()) return type;
  const Json* vocabulary = model.find("vocab");
  if (vocabulary && vocabulary->is_array()) return std::string("Unigram");
  return std::string(model.find("merges") ? "BPE" : "WordPiece");
}

Result<bool> can_be_of_bytes(const JsonParts& model) {
  KT_TRY(const std::string type, model_type(model));
  KT_TRY(const bool byte_fallback, model.boolean_or("byte_fallback", false));
  KT_TRY(const std::string prefix, model.string_or("continuing_subword_prefix", ""));
  KT_TRY(const std::string suffix, model.string_or("end_of_word_suffix", ""));
  return type == "BPE" && !byte_fallback && from_byte_alphabet(prefix) == prefix &&
         from_byte_alphabet(suffix) == suffix;
}

Result<std::unique_ptr<TextModel>> model_from_json(const JsonParts& model,
                                                   const JsonVocabulary& vocabulary) {
  KT_TRY(const std::string type, model_type(model));
  if (type == "BPE") return bpe(model, vocabulary);
  if (type == "WordPiece") return wordpiece(model, vocabulary, false);
  if (type == "WordLevel") return wordpiece(model, vocabulary, true);
  if (type == "Unigram") return unigram(model, vocabulary);
  return model.refuse("type " + printable(type));
}

}  // namespace kilotoken
