#pragma once
// SentencePiece's own file, tokenizer.model: a protobuf message ModelProto (the field numbers are
// those of sentencepiece_model.proto).

#include <memory>
#include <string_view>

#include "model/text/tokenizer.h"

namespace kilotoken {

// `tokenizer_config` (null where there is none) adds tokens and says what goes around a text and,
// with "legacy", where the space before a text goes, as transformers' LlamaTokenizer reads it.
// kInvalid for a damaged file, kUnsupported for a model of words or characters; `where` begins the
// message.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_sentencepiece(std::string_view model,
                                                                const Json& tokenizer_config,
                                                                std::string_view where);

}  // namespace kilotoken
