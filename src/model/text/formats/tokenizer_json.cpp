// tokenizer.json of HF tokenizers. A part that is not in this build is refused by name.

#include "model/text/formats/json_model.h"
#include "model/text/formats/json_parts.h"
#include "model/text/formats/json_pipeline.h"
#include "model/text/formats/token_table.h"
#include "model/text/tokenizer_parts.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

class Loader {
 public:
  Loader(const Json& json, std::string_view where) : root_(json, where), where_(where) {}

  Result<std::unique_ptr<Tokenizer>> load() {
    // truncation and padding are of a call, not of the vocabulary: here a request says its limits.
    KT_TRY_VOID(root_.only({"version", "truncation", "padding", "added_tokens", "normalizer",
                            "pre_tokenizer", "post_processor", "decoder", "model"}));
    KT_TRY(const JsonParts model, root_.object("model"));
    KT_TRY_VOID(read_vocabulary(model));
    KT_TRY_VOID(read_pipeline(model));
    KT_TRY(parts_.model, model_from_json(model, vocabulary_));
    return make_tokenizer(std::move(parts_), where_);
  }

 private:
  Result<void> read_vocabulary(const JsonParts& model);
  Result<void> read_pieces(const JsonParts& model);
  Result<size_t> count_new_tokens(const Json& added) const;
  Result<void> read_added_token(const Json& json, TokenTable& table);
  Result<void> read_pipeline(const JsonParts& model);
  Result<void> read_decoder(const JsonParts& model);

  JsonParts root_;
  std::string where_;
  TokenizerParts parts_;
  Json pieces_ = Json::object();  // of the model, to their ids
  JsonVocabulary vocabulary_;
};

// An object of ids, or Unigram's list of [piece, score].
Result<void> Loader::read_pieces(const JsonParts& model) {
  const Json* list = model.find("vocab");
  if (!list || !list->is_array()) {
    KT_TRY(const JsonParts vocabulary, model.object("vocab"));
    pieces_ = vocabulary.json();
    return {};
  }
  KT_TRY(const std::string type, model_type(model));
  if (type != "Unigram") return invalid(where_ + ": vocab is not an object");
  for (size_t id = 0; id < list->size(); ++id) {
    const Json& piece = (*list)[id];
    if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string()) {
      return invalid(where_ + ": model.vocab[" + std::to_string(id) +
                     "] is not a piece with its score");
    }
    pieces_[piece[0].get_ref<const std::string&>()] = id;
  }
  return {};
}

// Added tokens that are not in model.vocab as well: they make the vocabulary longer.
Result<size_t> Loader::count_new_tokens(const Json& added) const {
  size_t count = 0;
  for (const Json& token : added) {
    const auto content = token.find("content");
    if (content == token.end() || !content->is_string()) {
      return invalid(where_ + ": an added token has no content: the file is damaged");
    }
    if (!pieces_.contains(content->get_ref<const std::string&>())) ++count;
  }
  return count;
}

Result<void> Loader::read_vocabulary(const JsonParts& model) {
  KT_TRY_VOID(read_pieces(model));
  const Json none = Json::array();
  const Json* added = root_.find("added_tokens");
  if (!added) added = &none;
  if (!added->is_array()) return invalid(where_ + ": added_tokens is not a list");
  KT_TRY(const size_t more, count_new_tokens(*added));

  const Json& list = *model.find("vocab");
  const size_t count = list.size();
  TokenTable table(where_, count + more);
  if (list.is_array()) {
    for (size_t id = 0; id < count; ++id) {
      KT_TRY_VOID(table.put(list[id][0].get_ref<const std::string&>(), id, true, false));
    }
  } else {
    for (const auto& [text, id] : pieces_.items()) KT_TRY_VOID(table.put(text, id, true, false));
  }
  for (const Json& token : *added) KT_TRY_VOID(read_added_token(token, table));
  KT_TRY_VOID(table.check_gaps());

  parts_.tokens = std::move(table.tokens());
  for (size_t id = 0; id < parts_.tokens.size(); ++id) {
    vocabulary_.pieces.push_back(table.in_model(id) ? parts_.tokens[id].text : std::string());
  }
  return {};
}

Result<void> Loader::read_added_token(const Json& json, TokenTable& table) {
  const JsonParts token(json, where_ + ": added token");
  KT_TRY_VOID(
      token.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  AddedToken added;
  KT_TRY(added.content, token.string_or("content", ""));
  if (added.content.empty()) return invalid(where_ + ": an added token has no content");
  KT_TRY(added.single_word, token.boolean_or("single_word", false));
  KT_TRY(added.lstrip, token.boolean_or("lstrip", false));
  KT_TRY(added.rstrip, token.boolean_or("rstrip", false));
  KT_TRY(added.special, token.boolean_or("special", false));
  KT_TRY(added.normalized, token.boolean_or("normalized", !added.special));
  const Json* id = token.find("id");
  const std::string name = printable(added.content);
  if (!id) return invalid(where_ + ": added token " + name + " has no id");
  const auto known = pieces_.find(added.content);
  if (known == pieces_.end()) {
    KT_TRY_VOID(table.put(added.content, *id, false, added.special));
  } else if (*known != *id) {
    return invalid(where_ + ": added token " + name + " has id " + printable(id->dump()) +
                   ", in model.vocab it has id " + known->dump() +
                   ": the vocabulary is damaged, fetch it again");
  }
  // An id past the table leaves a gap, which is told once all ids are known.
  const uint64_t place = id->get<uint64_t>();
  if (place < table.tokens().size()) {
    added.id = static_cast<int32_t>(place);
    table.tokens()[place].special = added.special;
    parts_.added.push_back(std::move(added));
  }
  return {};
}

Result<void> Loader::read_pipeline(const JsonParts& model) {
  if (root_.find("normalizer")) {
    KT_TRY(const JsonParts part, root_.object("normalizer"));
    KT_TRY(parts_.normalizer, normalizer_from_json(part));
  }
  if (root_.find("pre_tokenizer")) {
    KT_TRY(const JsonParts part, root_.object("pre_tokenizer"));
    KT_TRY(const bool bytes_allowed, can_be_of_bytes(model));
    KT_TRY(JsonPreTokenizer made, pre_tokenizer_from_json(part, bytes_allowed));
    parts_.pre_tokenizer = std::move(made.steps);
    vocabulary_.of_bytes = made.of_bytes;
  }
  if (root_.find("post_processor")) {
    KT_TRY(const JsonParts part, root_.object("post_processor"));
    KT_TRY(parts_.post_processor, post_processor_from_json(part, parts_.tokens.size()));
  }
  return read_decoder(model);
}

Result<void> Loader::read_decoder(const JsonParts& model) {
  std::vector<DecoderStep> steps;
  if (root_.find("decoder")) {
    KT_TRY(const JsonParts part, root_.object("decoder"));
    KT_TRY(steps, decoder_from_json(part));
  }
  // A byte-level decoder leaves the end of a word as it is written, "</w>"; transformers' CLIP
  // tokenizer shows it as a space, but for the last one.
  KT_TRY(const std::string suffix, model.string_or("end_of_word_suffix", ""));
  if (!suffix.empty() && steps.size() == 1 && steps[0].kind == DecoderStep::kByteLevel) {
    DecoderStep spaces{.kind = DecoderStep::kReplace};
    KT_TRY(spaces.replacer, Replacer::make(suffix, false, " ", where_));
    steps.push_back(std::move(spaces));
    steps.push_back({.kind = DecoderStep::kStrip, .text = " ", .start = 1, .stop = 1});
  }
  KT_TRY(parts_.decoder, Decoder::make(std::move(steps), where_ + ": decoder"));
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(const Json& tokenizer_json,
                                                       std::string_view where) {
  if (!tokenizer_json.is_object()) return invalid(std::string(where) + ": not a JSON object");
  return Loader(tokenizer_json, where).load();
}

}  // namespace kilotoken
