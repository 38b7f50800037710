#pragma once
// Unigram: the pieces with the greatest sum of log probabilities (Kudo, ACL 2018), by Viterbi, as
// HF tokenizers models/unigram and SentencePiece's unigram_model do it.

#include <array>
#include <memory>
#include <string>

#include "model/text/models/text_model.h"

namespace kilotoken {

struct UnigramParts {
  struct Piece {
    std::string text;  // empty: not in the model
    double score = 0;  // a natural logarithm
  };
  std::vector<Piece> pieces;  // by id
  int32_t unknown_id = -1;    // -1: a text that needs it is refused
  // For an unknown text, where all its bytes have one; -1: this byte has none.
  std::array<int32_t, 256> byte_ids;
};

std::unique_ptr<TextModel> make_unigram(UnigramParts parts);

}  // namespace kilotoken
