#pragma once
// Byte-level BPE from files that hold the vocabulary alone (GGUF, vocab.json with merges.txt,
// tiktoken); how the text is cut is named beside it.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/text/formats/split_patterns.h"
#include "model/text/tokenizer_parts.h"

namespace kilotoken {

struct ByteLevelParts {
  std::vector<TokenizerParts::Token> tokens;  // by id, written in the byte alphabet
  std::vector<AddedToken> added;              // are not part of the model
  std::vector<std::string> merges;            // "left right", first things first
  bool by_rank = false;                       // no merges: a token's id is its rank
  SplitPatterns split;
  std::vector<int32_t> before, after;  // ids around a text, with add_special_tokens
};

// kInvalid: a merge of what is no token, or a token that is too long.
Result<std::unique_ptr<Tokenizer>> make_byte_level_tokenizer(ByteLevelParts parts,
                                                             std::string_view where);

// The template of a text, and of two, with ids before and after each.
PostProcessor surrounded(const std::vector<int32_t>& before, const std::vector<int32_t>& after);

}  // namespace kilotoken
