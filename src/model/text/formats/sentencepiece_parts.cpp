#include "model/text/formats/sentencepiece_parts.h"

#include <algorithm>

#include "model/text/formats/byte_level.h"
#include "model/text/formats/piece_merges.h"
#include "model/text/models/unigram.h"
#include "model/text/tokenizer_parts.h"
#include "model/text/unicode/utf8.h"
#include "model/weights/printable.h"

namespace kilotoken {
namespace {

constexpr std::string_view kMark = "\u2581";  // ▁

class Builder {
 public:
  Builder(SentencePieceParts parts, std::string_view where)
      : parts_(std::move(parts)), where_(where) {}

  Result<std::unique_ptr<Tokenizer>> build() {
    KT_TRY_VOID(read_tokens());
    KT_TRY_VOID(read_bytes());
    KT_TRY(out_.normalizer, normalizer());
    if (parts_.add_dummy_prefix && parts_.prefix_once) {
      out_.pre_tokenizer = make_metaspace({.prepend = PrependScheme::kFirst, .split = false});
    }
    out_.model = parts_.unigram ? unigram() : bpe();
    out_.post_processor = surrounded(parts_.before, parts_.after);
    KT_TRY(out_.decoder, decoder());
    return make_tokenizer(std::move(out_), where_);
  }

 private:
  Error damaged(const std::string& what) const {
    return invalid(where_ + ": " + what + ": the file is damaged");
  }
  bool in_model(const SentencePieceParts::Piece& piece) const {
    return piece.type == SentencePieceParts::kNormal ||
           piece.type == SentencePieceParts::kUserDefined ||
           piece.type == SentencePieceParts::kUnused;
  }
  Result<void> read_tokens();
  Result<void> read_bytes();
  Result<NormalizerPtr> normalizer() const;
  std::unique_ptr<TextModel> unigram() const;
  std::unique_ptr<TextModel> bpe() const;
  std::vector<uint32_t> ranks() const;
  Result<Decoder> decoder() const;

  SentencePieceParts parts_;
  std::string where_;
  TokenizerParts out_;
  std::array<int32_t, 256> byte_ids_ = BpeParts::no_bytes();
};

Result<void> Builder::read_tokens() {
  std::vector<const AddedToken*> added_as(parts_.pieces.size());
  for (const AddedToken& added : parts_.added) added_as[static_cast<size_t>(added.id)] = &added;
  for (size_t id = 0; id < parts_.pieces.size(); ++id) {
    const SentencePieceParts::Piece& piece = parts_.pieces[id];
    if (piece.text.size() > kMostPieceBytes) {
      return damaged("token " + std::to_string(id) + " has " + std::to_string(piece.text.size()) +
                     " bytes, up to " + std::to_string(kMostPieceBytes) + " are taken");
    }
    if (added_as[id]) {
      out_.added.push_back(*added_as[id]);
      out_.tokens.push_back({.text = piece.text, .special = added_as[id]->special});
      continue;
    }
    const bool special =
        piece.type == SentencePieceParts::kControl || piece.type == SentencePieceParts::kUnknown;
    if ((special || piece.type == SentencePieceParts::kUserDefined) && !piece.text.empty()) {
      AddedToken added;
      added.content = piece.text;
      added.id = static_cast<int32_t>(id);
      added.special = special;
      out_.added.push_back(std::move(added));
    }
    out_.tokens.push_back({.text = piece.text, .special = special});
  }
  return {};
}

// A character in no piece needs all 256 bytes or, where there is none of them, an unknown token.
Result<void> Builder::read_bytes() {
  bool any = false;
  for (size_t id = 0; id < parts_.pieces.size(); ++id) {
    const SentencePieceParts::Piece& piece = parts_.pieces[id];
    if (piece.type != SentencePieceParts::kByte) continue;
    const int byte = byte_of_piece(piece.text);
    if (byte < 0) {
      return damaged("token " + std::to_string(id) + " is a byte, but is written " +
                     printable(piece.text));
    }
    byte_ids_[static_cast<size_t>(byte)] = static_cast<int32_t>(id);
    any = true;
  }
  if (!any && parts_.unknown_id < 0) {
    return invalid(where_ +
                   ": the vocabulary has neither byte tokens nor an unknown token, so it cannot "
                   "write every text");
  }
  const auto missing = std::ranges::find(byte_ids_, -1);
  if (!any || missing == byte_ids_.end()) return {};
  return invalid(where_ + ": the vocabulary has byte tokens, but none for byte " +
                 std::to_string(missing - byte_ids_.begin()) + ": it is damaged, fetch it again");
}

Result<NormalizerPtr> Builder::normalizer() const {
  std::vector<NormalizerPtr> steps;
  if (parts_.charsmap) {
    steps.push_back(make_charsmap_normalizer(*parts_.charsmap, CharsmapUse::kLongest));
  }
  if (parts_.remove_extra_whitespaces) {
    KT_TRY(NormalizerPtr ends, make_replace(R"(\A +| +\z)", true, "", where_));
    KT_TRY(NormalizerPtr between, make_replace(" {2,}", true, " ", where_));
    steps.push_back(std::move(ends));
    steps.push_back(std::move(between));
  }
  if (parts_.add_dummy_prefix && !parts_.prefix_once) steps.push_back(make_prepend(" "));
  if (parts_.escape_whitespaces) {
    KT_TRY(NormalizerPtr marks, make_replace(" ", false, std::string(kMark), where_));
    steps.push_back(std::move(marks));
  }
  return make_sequence(std::move(steps));
}

std::unique_ptr<TextModel> Builder::unigram() const {
  UnigramParts unigram;
  unigram.unknown_id = parts_.unknown_id;
  unigram.byte_ids = byte_ids_;
  for (const SentencePieceParts::Piece& piece : parts_.pieces) {
    unigram.pieces.push_back({in_model(piece) ? piece.text : std::string(), piece.score});
  }
  return make_unigram(std::move(unigram));
}

std::unique_ptr<TextModel> Builder::bpe() const {
  BpeParts bpe;
  for (const SentencePieceParts::Piece& piece : parts_.pieces) {
    bpe.pieces.push_back(in_model(piece) ? piece.text : std::string());
  }
  bpe.token_count = bpe.pieces.size();
  bpe.byte_ids = byte_ids_;
  bpe.unknown_id = parts_.unknown_id;
  bpe.fuse_unknown = true;
  append_merges_by_rank(bpe, ranks());
  return make_bpe(std::move(bpe));
}

// Equal scores have equal ranks: of those the leftmost pair merges first.
std::vector<uint32_t> Builder::ranks() const {
  std::vector<double> scores;
  for (const SentencePieceParts::Piece& piece : parts_.pieces) scores.push_back(piece.score);
  std::ranges::sort(scores, std::greater());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  std::vector<uint32_t> ranks;
  for (const SentencePieceParts::Piece& piece : parts_.pieces) {
    const auto place = std::ranges::lower_bound(scores, piece.score, std::greater());
    ranks.push_back(static_cast<uint32_t>(place - scores.begin()));
  }
  return ranks;
}

Result<Decoder> Builder::decoder() const {
  std::vector<DecoderStep> steps;
  DecoderStep spaces{.kind = DecoderStep::kReplace};
  KT_TRY(spaces.replacer, Replacer::make(kMark, false, " ", where_));
  steps.push_back(std::move(spaces));
  steps.push_back({.kind = DecoderStep::kByteFallback});
  steps.push_back({.kind = DecoderStep::kFuse});
  if (parts_.add_dummy_prefix) {
    steps.push_back({.kind = DecoderStep::kStrip, .text = " ", .start = 1, .stop = 0});
  }
  return Decoder::make(std::move(steps), where_);
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_sentencepiece(SentencePieceParts parts,
                                                      std::string_view where) {
  return Builder(std::move(parts), where).build();
}

}  // namespace kilotoken
