#pragma once
// What a SentencePiece vocabulary is made of, from its own .model file or from GGUF metadata, and
// the tokenizer it makes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/text/added_tokens.h"
#include "model/text/pipeline/charsmap.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

struct SentencePieceParts {
  // As sentencepiece_model.proto numbers them, and llama.cpp after it.
  enum Type : int64_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6,
  };
  struct Piece {
    std::string text;  // valid UTF-8
    double score = 0;  // finite
    int64_t type = kNormal;
  };
  std::vector<Piece> pieces;  // by id
  bool unigram = false;       // else BPE: the merge that makes the piece of the best score
  int32_t unknown_id = -1;
  std::vector<AddedToken> added;  // ids within `pieces`, which have the same text
  bool add_dummy_prefix = true;   // a space in front of a text, and after every added token
  // In front of a text alone, and of none that begins with one (transformers' legacy = false).
  bool prefix_once = false;
  bool escape_whitespaces = true;         // a space is "▁" to the model
  bool remove_extra_whitespaces = false;  // at the ends, and all but one of several
  std::optional<Charsmap> charsmap;
  std::vector<int32_t> before, after;  // ids around a text, with add_special_tokens
};

// kInvalid: the pieces do not make a vocabulary.
Result<std::unique_ptr<Tokenizer>> make_sentencepiece(SentencePieceParts parts,
                                                      std::string_view where);

}  // namespace kilotoken
