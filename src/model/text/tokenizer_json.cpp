// tokenizer.json of HF tokenizers, the SentencePiece-BPE layouts of Llama and Mistral. Every part
// that is not one of theirs is refused by name.

#include <limits>

#include "model/text/json_parts.h"
#include "model/text/sentencepiece.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁

// Pieces by id, while ids arrive in any order.
class PieceTable {
 public:
  PieceTable(std::string_view where, size_t count) : where_(where), pieces_(count), set_(count) {}

  Result<void> put(const std::string& text, const Json& id_json, bool in_model, bool special) {
    if (!id_json.is_number_unsigned() ||
        id_json.get<uint64_t>() > uint64_t{std::numeric_limits<int32_t>::max()}) {
      return invalid(where_ + ": the id of token " + printable(text) +
                     " is not a number from 0 to 2147483647");
    }
    const auto id = id_json.get<uint64_t>();
    largest_ = std::max(largest_, id);
    if (id >= pieces_.size()) return {};  // leaves a gap below: check_gaps() names it
    if (set_[id]) {
      return invalid(where_ + ": id " + std::to_string(id) + " belongs to two tokens, " +
                     printable(pieces_[id].text) + " and " + printable(text) +
                     ": the vocabulary is damaged, fetch it again");
    }
    set_[id] = true;
    pieces_[id] = {.text = text, .in_model = in_model, .special = special};
    return {};
  }

  Result<void> check_gaps() const {
    for (size_t id = 0; id < pieces_.size(); ++id) {
      if (!set_[id]) {
        return invalid(where_ + ": no token has id " + std::to_string(id) +
                       ", though ids go up to " + std::to_string(largest_) +
                       ": the vocabulary is damaged, fetch it again");
      }
    }
    return {};
  }

  std::vector<SentencePieceParts::Piece>& pieces() { return pieces_; }

 private:
  std::string where_;
  std::vector<SentencePieceParts::Piece> pieces_;
  std::vector<bool> set_;
  uint64_t largest_ = 0;
};

class Loader {
 public:
  Loader(const Json& json, std::string_view where) : root_(json, where), where_(where) {}

  Result<std::unique_ptr<Tokenizer>> load() {
    // truncation and padding are of a call, not of the vocabulary: here a request says its limits.
    KT_TRY_VOID(root_.only({"version", "truncation", "padding", "added_tokens", "normalizer",
                            "pre_tokenizer", "post_processor", "decoder", "model"}));
    KT_TRY(const JsonParts model, root_.object("model"));
    KT_TRY_VOID(check_model(model));
    KT_TRY_VOID(read_vocabulary(model));
    KT_TRY_VOID(read_merges(model));
    KT_TRY_VOID(read_spaces());
    KT_TRY_VOID(read_template());
    KT_TRY_VOID(read_decoder());
    KT_TRY_VOID(check_unknown_characters(parts_, where_));
    return std::unique_ptr<Tokenizer>(std::make_unique<SentencePiece>(std::move(parts_)));
  }

 private:
  Result<void> check_model(const JsonParts& model);
  Result<void> read_vocabulary(const JsonParts& model);
  Result<void> read_added_token(const Json& json, const Json& vocabulary, PieceTable& table);
  Result<size_t> count_new_tokens(const Json& added, const Json& vocabulary) const;
  Result<void> read_merges(const JsonParts& model);
  Result<void> read_spaces();
  Result<void> read_normalizer(const JsonParts& normalizer);
  Result<void> read_metaspace(const JsonParts& metaspace);
  Result<void> read_template();
  Result<void> read_template_ids(const JsonParts& special_tokens, const std::string& name,
                                 std::vector<int32_t>& ids);
  Result<void> read_decoder();
  Result<void> read_decoder_step(const JsonParts& step);

  JsonParts root_;
  std::string where_;
  SentencePieceParts parts_;
  std::unordered_map<std::string_view, int32_t> ids_;  // of model.vocab
  bool byte_fallback_ = false;
  struct {
    bool replace = false, bytes = false, fuse = false;
  } decoder_;
};

Result<void> Loader::check_model(const JsonParts& model) {
  KT_TRY(const std::string type, model.string_or("type", "BPE"));
  if (type != "BPE") return model.refuse("type " + printable(type));
  KT_TRY_VOID(
      model.only({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
                  "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"}));
  KT_TRY_VOID(model.must_be_empty("dropout"));
  KT_TRY_VOID(model.must_be_empty("continuing_subword_prefix"));
  KT_TRY_VOID(model.must_be_empty("end_of_word_suffix"));
  KT_TRY_VOID(model.must_be_empty("ignore_merges"));
  KT_TRY(byte_fallback_, model.boolean_or("byte_fallback", false));
  KT_TRY(parts_.fuse_unknown, model.boolean_or("fuse_unk", false));
  return {};
}

// Added tokens that are not in model.vocab as well: they make the vocabulary longer.
Result<size_t> Loader::count_new_tokens(const Json& added, const Json& vocabulary) const {
  size_t count = 0;
  for (const Json& token : added) {
    const auto content = token.find("content");
    if (content == token.end() || !content->is_string()) {
      return invalid(where_ + ": an added token has no content: the file is damaged");
    }
    if (!vocabulary.contains(content->get_ref<const std::string&>())) ++count;
  }
  return count;
}

Result<void> Loader::read_vocabulary(const JsonParts& model) {
  KT_TRY(const JsonParts vocabulary, model.object("vocab"));
  const Json& pieces = vocabulary.json();
  const Json none = Json::array();
  const Json* added = root_.find("added_tokens");
  if (!added) added = &none;
  if (!added->is_array()) return invalid(where_ + ": added_tokens is not a list");
  KT_TRY(const size_t more, count_new_tokens(*added, pieces));

  PieceTable table(where_, pieces.size() + more);
  for (const auto& [text, id] : pieces.items()) KT_TRY_VOID(table.put(text, id, true, false));
  for (const Json& token : *added) KT_TRY_VOID(read_added_token(token, pieces, table));
  KT_TRY_VOID(table.check_gaps());

  parts_.pieces = std::move(table.pieces());
  for (SentencePieceParts::Piece& piece : parts_.pieces) {
    if (byte_fallback_) piece.byte = byte_of_piece(piece.text);
  }
  for (size_t id = 0; id < parts_.pieces.size(); ++id) {
    const SentencePieceParts::Piece& piece = parts_.pieces[id];
    if (piece.in_model) ids_.emplace(piece.text, static_cast<int32_t>(id));
  }
  KT_TRY(const std::string unknown, model.string_or("unk_token", ""));
  if (unknown.empty()) return {};
  const auto found = ids_.find(unknown);
  if (found == ids_.end()) {
    return invalid(where_ + ": unk_token " + printable(unknown) + " is not in model.vocab");
  }
  parts_.unknown_id = found->second;
  return {};
}

Result<void> Loader::read_added_token(const Json& json, const Json& vocabulary, PieceTable& table) {
  const JsonParts token(json, where_ + ": added token");
  KT_TRY_VOID(
      token.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  AddedToken added;
  KT_TRY(added.content, token.string_or("content", ""));
  if (added.content.empty()) return invalid(where_ + ": an added token has no content");
  KT_TRY_VOID(token.must_be_empty("single_word"));
  KT_TRY(added.lstrip, token.boolean_or("lstrip", false));
  KT_TRY(added.rstrip, token.boolean_or("rstrip", false));
  KT_TRY(added.special, token.boolean_or("special", false));
  KT_TRY(added.normalized, token.boolean_or("normalized", !added.special));
  const Json* id = token.find("id");
  const std::string name = printable(added.content);
  if (!id) return invalid(where_ + ": added token " + name + " has no id");
  const auto known = vocabulary.find(added.content);
  if (known == vocabulary.end()) {
    KT_TRY_VOID(table.put(added.content, *id, false, added.special));
  } else if (*known != *id) {
    return invalid(where_ + ": added token " + name + " has id " + printable(id->dump()) +
                   ", in model.vocab it has id " + known->dump() +
                   ": the vocabulary is damaged, fetch it again");
  }
  // An id past the table leaves a gap, which is told once all ids are known.
  const uint64_t place = id->get<uint64_t>();
  if (place < table.pieces().size()) {
    added.id = static_cast<int32_t>(place);
    table.pieces()[place].special = added.special;
    parts_.added.push_back(std::move(added));
  }
  return {};
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

Result<void> Loader::read_merges(const JsonParts& model) {
  const Json* merges = model.find("merges");
  if (!merges || !merges->is_array()) return invalid(where_ + ": model.merges is not a list");
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string name = where_ + ": model.merges[" + std::to_string(i) + "] ";
    const auto halves = halves_of((*merges)[i]);
    if (!halves.ok()) return invalid(name + halves.error().message);
    SentencePieceParts::Merge merge{};
    const std::string whole = std::string(halves->first) + std::string(halves->second);
    const std::pair<std::string_view, int32_t*> pieces[] = {
        {halves->first, &merge.left}, {halves->second, &merge.right}, {whole, &merge.merged}};
    for (const auto& [text, id] : pieces) {
      const auto found = ids_.find(text);
      if (found == ids_.end()) {
        return invalid(name + "needs the piece " + printable(text) +
                       ", which is not in model.vocab: the file is damaged, fetch it again");
      }
      *id = found->second;
    }
    parts_.merges.push_back(merge);
  }
  return {};
}

// Spaces become "▁" either in a normalizer (older files) or in a Metaspace pre-tokenizer.
Result<void> Loader::read_spaces() {
  const Json* normalizer = root_.find("normalizer");
  const Json* pre_tokenizer = root_.find("pre_tokenizer");
  if (normalizer && pre_tokenizer) {
    return root_.refuse("a normalizer together with a pre_tokenizer");
  }
  if (normalizer) return read_normalizer(JsonParts(*normalizer, where_ + ": normalizer"));
  if (pre_tokenizer) return read_metaspace(JsonParts(*pre_tokenizer, where_ + ": pre_tokenizer"));
  return root_.refuse("a layout with neither normalizer nor pre_tokenizer");
}

// Prepend "▁" and Replace " " by "▁", in either order; without Prepend no mark is put in front.
Result<void> Loader::read_normalizer(const JsonParts& normalizer) {
  KT_TRY(const std::vector<JsonParts> steps, normalizer.steps("normalizers"));
  bool prepends = false, replaces = false;
  for (const JsonParts& step : steps) {
    KT_TRY(const std::string type, step.string_or("type", ""));
    if (type == "Prepend" && !prepends) {
      KT_TRY_VOID(step.must_be("prepend", kMark));
      prepends = true;
    } else if (type == "Replace" && !replaces) {
      KT_TRY(const JsonParts pattern, step.object("pattern"));
      KT_TRY_VOID(pattern.must_be("String", " "));
      KT_TRY_VOID(step.must_be("content", kMark));
      replaces = true;
    } else {
      return step.refuse("type " + printable(type));
    }
  }
  if (!replaces) return normalizer.refuse("one that does not replace spaces");
  parts_.space_prefix = prepends ? SpacePrefix::kAlways : SpacePrefix::kNone;
  parts_.prefix_by_normalizer = true;
  return {};
}

Result<void> Loader::read_metaspace(const JsonParts& metaspace) {
  KT_TRY(const std::string type, metaspace.string_or("type", ""));
  if (type != "Metaspace") return metaspace.refuse("type " + printable(type));
  KT_TRY_VOID(metaspace.only(
      {"type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}));
  KT_TRY_VOID(metaspace.must_be("replacement", kMark));
  KT_TRY(const bool split, metaspace.boolean_or("split", true));
  if (split) return metaspace.refuse("split true");
  KT_TRY(const bool prefix, metaspace.boolean_or("add_prefix_space", true));  // before 0.15
  KT_TRY(const std::string scheme,
         metaspace.string_or("prepend_scheme", prefix ? "always" : "never"));
  parts_.prefix_by_normalizer = false;
  if (scheme == "always") {
    parts_.space_prefix = SpacePrefix::kUnlessPresent;
  } else if (scheme == "first") {
    parts_.space_prefix = SpacePrefix::kFirstUnlessPresent;
  } else if (scheme == "never") {
    parts_.space_prefix = SpacePrefix::kNone;
  } else {
    return metaspace.refuse("prepend_scheme " + printable(scheme));
  }
  return {};
}

Result<void> Loader::read_template_ids(const JsonParts& special_tokens, const std::string& name,
                                       std::vector<int32_t>& ids) {
  KT_TRY(const JsonParts token, special_tokens.object(name));
  const Json* listed = token.find("ids");
  if (!listed || !listed->is_array()) {
    return invalid(where_ + ": special token " + printable(name) + " of the template has no ids");
  }
  for (const Json& id : *listed) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= parts_.pieces.size()) {
      return invalid(where_ + ": id " + printable(id.dump()) + " of the template's token " +
                     printable(name) + " is not in the vocabulary");
    }
    ids.push_back(id.get<int32_t>());
  }
  return {};
}

Result<void> Loader::read_template() {
  if (!root_.find("post_processor")) return {};
  KT_TRY(const JsonParts processor, root_.object("post_processor"));
  KT_TRY(const std::string type, processor.string_or("type", ""));
  if (type != "TemplateProcessing") return processor.refuse("type " + printable(type));
  KT_TRY_VOID(processor.only({"type", "single", "pair", "special_tokens"}));
  const Json* single = processor.find("single");
  if (!single || !single->is_array()) return invalid(where_ + ": the template has no list single");
  KT_TRY(const JsonParts special_tokens, processor.object("special_tokens"));
  bool text_seen = false;
  for (const Json& element : *single) {
    const JsonParts part(element, where_ + ": post_processor");
    KT_TRY_VOID(part.only({"SpecialToken", "Sequence"}));
    if (part.find("Sequence")) {
      if (text_seen) return processor.refuse("a template that names its text twice");
      text_seen = true;
      continue;
    }
    KT_TRY(const JsonParts token, part.object("SpecialToken"));
    KT_TRY(const std::string name, token.string_or("id", ""));
    KT_TRY_VOID(read_template_ids(special_tokens, name, text_seen ? parts_.after : parts_.before));
  }
  if (!text_seen) return processor.refuse("a template without its text");
  return {};
}

Result<void> Loader::read_decoder_step(const JsonParts& step) {
  KT_TRY(const std::string type, step.string_or("type", ""));
  if (type == "Replace" && !decoder_.replace && !decoder_.bytes && !decoder_.fuse) {
    KT_TRY(const JsonParts pattern, step.object("pattern"));
    KT_TRY_VOID(pattern.must_be("String", kMark));
    KT_TRY_VOID(step.must_be("content", " "));
    decoder_.replace = true;
  } else if (type == "ByteFallback" && !decoder_.bytes && !decoder_.fuse) {
    decoder_.bytes = true;
  } else if (type == "Fuse" && !decoder_.fuse) {
    decoder_.fuse = true;
  } else if (type == "Strip" && decoder_.fuse && !parts_.strips_leading_space) {
    KT_TRY_VOID(step.must_be("content", " "));
    const Json *start = step.find("start"), *stop = step.find("stop");
    if (!start || !stop || *start != 1 || *stop != 0) {
      return step.refuse("a Strip of anything but one leading space");
    }
    parts_.strips_leading_space = true;
  } else {
    return step.refuse("type " + printable(type) + " at this place");
  }
  return {};
}

Result<void> Loader::read_decoder() {
  KT_TRY(const JsonParts decoder, root_.object("decoder"));
  KT_TRY(const std::vector<JsonParts> steps, decoder.steps("decoders"));
  parts_.strips_leading_space = false;
  for (const JsonParts& step : steps) KT_TRY_VOID(read_decoder_step(step));
  if (!decoder_.replace || !decoder_.fuse || decoder_.bytes != byte_fallback_) {
    return decoder.refuse("one that is not Replace, ByteFallback (if the model has it), Fuse");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(const Json& tokenizer_json,
                                                       std::string_view where) {
  if (!tokenizer_json.is_object()) return invalid(std::string(where) + ": not a JSON object");
  return Loader(tokenizer_json, where).load();
}

}  // namespace kilotoken
