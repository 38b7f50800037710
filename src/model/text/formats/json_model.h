#pragma once
// The "model" of tokenizer.json: BPE, WordPiece, Unigram or WordLevel.

#include <memory>
#include <string>
#include <vector>

#include "model/text/formats/json_parts.h"
#include "model/text/models/text_model.h"
#include "model/text/pipeline/decoder.h"

namespace kilotoken {

// What the vocabulary says, as the model needs it.
struct JsonVocabulary {
  std::vector<std::string> pieces;  // by id; empty: an added token, not part of the model
  bool of_bytes = false;            // the model gets bytes where the pieces are written in letters
};

// kInvalid for a damaged model, kUnsupported for one that is not in this build.
Result<std::unique_ptr<TextModel>> model_from_json(const JsonParts& model,
                                                   const JsonVocabulary& vocabulary);

// "BPE" where the file does not say it, as files before 2021 do not.
Result<std::string> model_type(const JsonParts& model);
// Whether a BPE can take its text as bytes instead of letters of the byte alphabet.
Result<bool> can_be_of_bytes(const JsonParts& model);

}  // namespace kilotoken
