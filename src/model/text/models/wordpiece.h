#pragma once
// WordPiece: the longest piece that the rest of a word begins with, again and again (Wu et al.,
// 2016; as BERT's tokenizer and HF tokenizers models/wordpiece).

#include <memory>
#include <string>

#include "model/text/models/text_model.h"

namespace kilotoken {

struct WordPieceParts {
  std::vector<std::string> pieces;  // by id; empty: not in the model
  std::string prefix = "##";        // of a piece that continues a word
  size_t most_characters = 100;     // a longer word is unknown
  int32_t unknown_id = -1;          // for a word that the pieces cannot make
};

std::unique_ptr<TextModel> make_wordpiece(const WordPieceParts& parts);

// A word is a piece or unknown (HF tokenizers models/wordlevel); prefix and length do not count.
std::unique_ptr<TextModel> make_wordlevel(const WordPieceParts& parts);

}  // namespace kilotoken
