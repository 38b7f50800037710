#pragma once
// SentencePiece-style BPE: "▁" for a space, characters merged to pieces, bytes for what is in no
// piece (Kudo and Richardson, EMNLP 2018, as Llama and Mistral use it).

#include <array>
#include <unordered_map>

#include "model/text/added_tokens.h"
#include "model/text/bpe.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

// The "▁" put before a text (and before a text that follows an added token).
enum class SpacePrefix { kNone, kAlways, kUnlessPresent, kFirstUnlessPresent };

// Everything a tokenizer is made of, as its file gave it: checked by the loaders.
struct SentencePieceParts {
  struct Piece {
    std::string text;
    bool in_model = true;  // may come out of merging
    bool special = false;
    int byte = -1;  // 0 to 255: this piece stands for a byte
  };
  std::vector<Piece> pieces;  // by id
  std::vector<AddedToken> added;

  // Either which pairs merge, first things first, or (by_score) a score for each piece.
  struct Merge {
    int32_t left, right, merged;
  };
  std::vector<Merge> merges;
  std::vector<float> scores;
  bool by_score = false;

  SpacePrefix space_prefix = SpacePrefix::kAlways;
  bool prefix_by_normalizer = true;  // before, not after, normalised added tokens are looked for
  int32_t unknown_id = -1;           // for a character with neither piece nor bytes
  bool fuse_unknown = true;
  std::vector<int32_t> before, after;  // ids around a text, with add_special_tokens
  bool strips_leading_space = true;
};

// 0 to 255 for a piece written as "<0x41>", else -1.
int byte_of_piece(std::string_view piece);

// A character in no piece needs all 256 byte pieces or, where there is none of them, an unknown
// token.
Result<void> check_unknown_characters(const SentencePieceParts& parts, std::string_view where);

class SentencePiece final : public Tokenizer {
 public:
  explicit SentencePiece(SentencePieceParts parts);
  SentencePiece(const SentencePiece&) = delete;  // ids_ points into parts_
  SentencePiece& operator=(const SentencePiece&) = delete;

  Result<std::vector<int32_t>> encode(std::string_view text,
                                      bool add_special_tokens) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special_tokens) const override;
  std::string_view token_bytes(int32_t id) const override;
  bool is_special(int32_t id) const override;
  bool strips_leading_space() const override { return parts_.strips_leading_space; }
  int vocab_size() const override { return static_cast<int>(parts_.pieces.size()); }

 private:
  void encode_segment(std::string_view text, bool first, std::vector<int32_t>& ids) const;
  void encode_piece(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_word(std::string_view text, std::vector<int32_t>& ids) const;
  bool marks_begin_pieces() const;
  void append_unknown(std::string_view character, std::vector<int32_t>& ids) const;
  std::optional<BpeMerge> merge_of(std::string_view text, const BpeSymbol& left,
                                   const BpeSymbol& right) const;
  int32_t id_of(std::string_view piece) const;

  const SentencePieceParts parts_;
  AddedTokens added_, normalized_added_;
  std::unordered_map<std::string_view, int32_t> ids_;  // of pieces in the model
  std::unordered_map<uint64_t, BpeMerge> merges_;      // by left and right id
  std::array<int32_t, 256> byte_ids_;
  std::vector<std::string> bytes_;  // by id, what token_bytes() gives
  bool has_bytes_ = false;
  bool merges_within_words_ = false;
};

}  // namespace kilotoken
