#pragma once
// Byte-pair encoding as HF tokenizers does it (models/bpe): of bytes (GPT-2) or of characters with
// bytes for what is in no piece (SentencePiece: Kudo and Richardson, EMNLP 2018), with affixes
// (CLIP), with or without an unknown token.

#include <array>
#include <memory>
#include <string>

#include "model/text/models/text_model.h"

namespace kilotoken {

struct BpeParts {
  // What each id reads in the text that comes to the model; empty: this token does not come out of
  // the model. From `token_count` on: characters that have no token but are part of pieces.
  std::vector<std::string> pieces;
  size_t token_count = 0;
  bool of_bytes = false;  // the symbols at first are bytes, not characters

  struct Merge {
    int32_t left, right, merged;
    uint32_t rank;
  };
  std::vector<Merge> merges;
  bool ignore_merges = false;  // a text that is a piece is that piece, whatever would merge

  std::string prefix, suffix;  // put before all characters but the first, after the last one
  std::array<int32_t, 256> byte_ids = no_bytes();  // for the bytes of a character without a piece
  int32_t unknown_id = -1;                         // for one without bytes; -1: it is left out
  bool fuse_unknown = false;                       // one for several in a row

  static std::array<int32_t, 256> no_bytes() {
    std::array<int32_t, 256> none;
    none.fill(-1);
    return none;
  }
};

// All ids in `parts` are places in `pieces`.
std::unique_ptr<TextModel> make_bpe(BpeParts parts);

}  // namespace kilotoken
