#pragma once
// TokenizerParts: everything a tokenizer is made of. A format (formats/) reads its file and fills
// one in; make_tokenizer() puts it together. The way of a text: `normalized` false added tokens are
// cut out, the rest is normalised, the other added tokens are cut out, the rest is pre-tokenized,
// each piece goes to the model, and the post-processor puts ids around the whole.

#include <memory>
#include <string>
#include <vector>

#include "model/text/added_tokens.h"
#include "model/text/models/text_model.h"
#include "model/text/pipeline/decoder.h"
#include "model/text/pipeline/normalizer.h"
#include "model/text/pipeline/post_processor.h"
#include "model/text/pipeline/pre_tokenizer.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

struct TokenizerParts {
  struct Token {
    std::string text;  // as the file writes it, valid UTF-8
    bool special = false;
  };
  std::vector<Token> tokens;      // by id: the whole vocabulary, added tokens included
  std::vector<AddedToken> added;  // ids within `tokens`, contents not empty

  NormalizerPtr normalizer;       // null: none
  PreTokenizerPtr pre_tokenizer;  // null: none
  std::unique_ptr<TextModel> model;
  PostProcessor post_processor;
  Decoder decoder;
};

// `where` names the file in errors. Everything in `parts` has been checked but what the decoder
// makes of the tokens.
Result<std::unique_ptr<Tokenizer>> make_tokenizer(TokenizerParts parts, std::string_view where);

}  // namespace kilotoken
