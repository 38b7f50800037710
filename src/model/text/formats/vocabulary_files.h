#pragma once
// Byte-level tokenizers in files of their own, from before tokenizer.json: GPT-2's vocab.json with
// merges.txt, and tiktoken's ranks. `tokenizer_config` (null where there is none) names the added
// tokens, under added_tokens_decoder. kInvalid for damaged files; `where` begins the message.

#include <memory>
#include <string_view>

#include "model/text/tokenizer.h"

namespace kilotoken {

// Text is cut with GPT-2's pattern.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_vocab_and_merges(const Json& vocab,
                                                                   std::string_view merges,
                                                                   const Json& tokenizer_config,
                                                                   std::string_view where);

// Lines of "base64 rank". `pattern`: a name of split_patterns.h, such as cl100k or o200k.
Result<std::unique_ptr<Tokenizer>> tokenizer_from_tiktoken(std::string_view ranks,
                                                           std::string_view pattern,
                                                           const Json& tokenizer_config,
                                                           std::string_view where);

}  // namespace kilotoken
