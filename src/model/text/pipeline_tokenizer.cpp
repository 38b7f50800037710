// The Tokenizer made of parts.

#include <array>

#include "base/check.h"
#include "model/text/models/flat_tables.h"
#include "model/text/tokenizer_parts.h"
#include "model/text/unicode/utf8.h"

namespace kilotoken {
namespace {

class PipelineTokenizer final : public Tokenizer {
 public:
  explicit PipelineTokenizer(TokenizerParts parts) : parts_(std::move(parts)) {}
  Result<void> prepare();

  using Tokenizer::encode;
  Result<std::vector<int32_t>> encode(std::string_view text,
                                      const EncodeOptions& options) const override;
  Result<Pair> encode_pair(std::string_view first, std::string_view second,
                           const EncodeOptions& options) const override;
  std::string_view token_bytes(int32_t id) const override {
    return token_bytes_at(id, false, false);
  }
  std::string_view token_bytes_at(int32_t id, bool first, bool last) const override;
  const TextRules& text_rules() const override { return parts_.decoder.rules(); }
  bool is_special(int32_t id) const override {
    return known(id) && parts_.tokens[static_cast<size_t>(id)].special;
  }
  int vocab_size() const override { return static_cast<int>(parts_.tokens.size()); }
  std::string_view token(int32_t id) const override {
    return known(id) ? std::string_view(parts_.tokens[static_cast<size_t>(id)].text)
                     : std::string_view();
  }
  std::optional<int32_t> token_id(std::string_view token) const override {
    const int32_t id = ids_.find(token);
    return id < 0 ? std::nullopt : std::optional(id);
  }

 private:
  // Memory of one call of encode().
  struct Work {
    ModelScratch scratch;
    TextStore store;
    std::vector<TextPiece> whole, pieces;
  };
  bool known(int32_t id) const { return id >= 0 && id < vocab_size(); }
  Result<void> sort_added_tokens();
  Result<std::vector<int32_t>> text_ids(std::string_view text, bool specials_as_text) const;
  Result<void> encode_segment(std::string_view text, bool at_start, bool specials_as_text,
                              Work& work, std::vector<int32_t>& ids) const;
  Result<void> encode_text(TextPiece text, Work& work, std::vector<int32_t>& ids) const;

  TokenizerParts parts_;
  AddedTokens raw_added_, normalized_added_;
  StringTable ids_;
  // Bytes by id, for a token in the middle, at the beginning, at the end, or both (bits 1 and 2).
  // Empty vectors where they are no different.
  std::array<std::vector<std::string>, 4> bytes_;
  bool knows_first_ = false;
};

Result<void> PipelineTokenizer::prepare() {
  KT_TRY_VOID(sort_added_tokens());
  size_t bytes = 0;
  for (const TokenizerParts::Token& token : parts_.tokens) bytes += token.text.size();
  ids_.reserve(parts_.tokens.size(), bytes);
  for (size_t id = 0; id < parts_.tokens.size(); ++id) {
    const std::string& text = parts_.tokens[id].text;
    if (!text.empty()) ids_.put(text, static_cast<int32_t>(id));
  }
  knows_first_ = parts_.decoder.knows_first();
  const bool knows_last = parts_.decoder.rules().last_differs;
  for (size_t place = 0; place < bytes_.size(); ++place) {
    const bool first = (place & 1) != 0, last = (place & 2) != 0;
    if ((first && !knows_first_) || (last && !knows_last)) continue;
    for (const TokenizerParts::Token& token : parts_.tokens) {
      KT_TRY(std::string text, parts_.decoder.token_bytes(token.text, first, last));
      bytes_[place].push_back(std::move(text));
    }
  }
  return {};
}

// Those that are looked for in the normalised text are themselves normalised.
Result<void> PipelineTokenizer::sort_added_tokens() {
  std::vector<AddedToken> raw, normalized;
  for (const bool special : {true, false}) {  // of two that read the same a special one counts
    for (AddedToken token : parts_.added) {
      KT_CHECK(known(token.id), "an added token is part of the vocabulary");
      if (token.special != special) continue;
      if (token.normalized && parts_.normalizer) {
        NormalText content{token.content};
        KT_TRY_VOID(parts_.normalizer->apply(content));
        token.content = std::move(content.text);
      }
      if (token.content.empty()) continue;
      (token.normalized ? normalized : raw).push_back(std::move(token));
    }
  }
  raw_added_ = AddedTokens(std::move(raw));
  normalized_added_ = AddedTokens(std::move(normalized));
  return {};
}

Result<void> PipelineTokenizer::encode_text(TextPiece text, Work& work,
                                            std::vector<int32_t>& ids) const {
  if (!parts_.pre_tokenizer) return parts_.model->encode(text.text, ids, work.scratch);
  work.whole.assign(1, text);
  work.pieces.clear();
  work.store = {};
  KT_TRY_VOID(parts_.pre_tokenizer->cut(work.whole, work.pieces, work.store));
  for (const TextPiece& piece : work.pieces) {
    KT_TRY_VOID(parts_.model->encode(piece.text, ids, work.scratch));
  }
  return {};
}

Result<void> PipelineTokenizer::encode_segment(std::string_view text, bool at_start,
                                               bool specials_as_text, Work& work,
                                               std::vector<int32_t>& ids) const {
  NormalText normal{{}, at_start};
  if (parts_.normalizer) {
    normal.text = std::string(text);
    KT_TRY_VOID(parts_.normalizer->apply(normal));
    text = normal.text;
  }
  if (text.empty()) return {};
  if (normalized_added_.empty()) return encode_text({text, normal.at_start}, work, ids);
  for (const AddedTokens::Segment& segment : normalized_added_.split(text, specials_as_text)) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
      continue;
    }
    KT_TRY_VOID(encode_text({text.substr(segment.begin, segment.end - segment.begin),
                             normal.at_start && segment.begin == 0},
                            work, ids));
  }
  return {};
}

Result<std::vector<int32_t>> PipelineTokenizer::text_ids(std::string_view text,
                                                         bool specials_as_text) const {
  if (text.size() > kMostTextBytes) {
    return Error{ErrorCode::kTooLarge,
                 "text of " + std::to_string(text.size()) + " bytes: the tokenizer takes up to " +
                     std::to_string(kMostTextBytes) + "; send less",
                 {}};
  }
  if (const auto at = first_invalid_utf8(text)) {
    return invalid("text is not UTF-8 at byte " + std::to_string(*at) + ": send it as UTF-8");
  }
  std::vector<int32_t> ids;
  Work work;
  for (const AddedTokens::Segment& segment : raw_added_.split(text, specials_as_text)) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else {
      KT_TRY_VOID(encode_segment(text.substr(segment.begin, segment.end - segment.begin),
                                 segment.begin == 0, specials_as_text, work, ids));
    }
  }
  return ids;
}

Result<std::vector<int32_t>> PipelineTokenizer::encode(std::string_view text,
                                                       const EncodeOptions& options) const {
  KT_TRY(const std::vector<int32_t> ids, text_ids(text, options.specials_as_text));
  return PostProcessor::fill(parts_.post_processor.single, ids, {}, options.add_special_tokens);
}

Result<Tokenizer::Pair> PipelineTokenizer::encode_pair(std::string_view first,
                                                       std::string_view second,
                                                       const EncodeOptions& options) const {
  KT_TRY(const std::vector<int32_t> a, text_ids(first, options.specials_as_text));
  KT_TRY(const std::vector<int32_t> b, text_ids(second, options.specials_as_text));
  Pair pair;
  pair.ids = PostProcessor::fill(parts_.post_processor.pair, a, b, options.add_special_tokens,
                                 &pair.types);
  return pair;
}

std::string_view PipelineTokenizer::token_bytes_at(int32_t id, bool first, bool last) const {
  if (!known(id)) return {};
  const size_t place =
      (first && knows_first_ ? 1u : 0u) | (last && parts_.decoder.rules().last_differs ? 2u : 0u);
  return bytes_[place][static_cast<size_t>(id)];
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer(TokenizerParts parts, std::string_view where) {
  KT_CHECK(parts.model != nullptr, "a tokenizer has a model");
  auto tokenizer = std::make_unique<PipelineTokenizer>(std::move(parts));
  if (const auto ready = tokenizer->prepare(); !ready.ok()) {
    return Error{ready.error().code, std::string(where) + ": " + ready.error().message, {}};
  }
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

}  // namespace kilotoken
