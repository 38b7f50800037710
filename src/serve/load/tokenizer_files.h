#pragma once
// The tokenizer of a model's directory, in whichever file it is.

#include <filesystem>
#include <memory>

#include "base/json.h"
#include "base/result.h"
#include "model/text/tokenizer.h"

namespace kilotoken {

// The first there is of tokenizer.json, tokenizer.model, a .tiktoken file, vocab.json with
// merges.txt; null: there is none. `tokenizer_config` (null where there is none) is
// tokenizer_config.json: add_bos_token and add_eos_token count where transformers has them count,
// which for tokenizer.json is with LlamaTokenizer.
Result<std::unique_ptr<Tokenizer>> open_tokenizer(const std::filesystem::path& folder,
                                                  const Json& tokenizer_config);

}  // namespace kilotoken
