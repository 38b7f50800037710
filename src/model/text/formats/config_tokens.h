#pragma once
// What tokenizer_config.json says about a tokenizer whose vocabulary is in a file of its own: added
// tokens, and what goes around a text.

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/text/added_tokens.h"

namespace kilotoken {

constexpr int32_t kMostTokenIds = 4 << 20;

// The decimal number of a token; kInvalid if it is none, or kMostTokenIds or more.
Result<int32_t> token_id_from_text(std::string_view number, std::string_view where);

// kInvalid: `id` lies so far beyond a vocabulary of `tokens` that a few bytes of a file would make
// a large table.
Result<void> check_id_gap(int32_t id, size_t tokens, std::string_view where);

// added_tokens_decoder, for a vocabulary of that many tokens; empty where there is none or `config`
// is null. Ids pass check_id_gap, contents not empty.
Result<std::vector<AddedToken>> added_tokens_from_config(const Json& config, size_t vocabulary,
                                                         std::string_view where);

// One end of a text, as transformers' tokenizers in Python treat it.
struct ConfigEnd {
  const char *flag, *token;  // "add_bos_token" and "bos_token"
  bool adds;                 // where the flag is absent
  std::string text;          // of the token, where the configuration names none
};
using FindToken = std::function<std::optional<int32_t>(std::string_view text)>;
// The id to put there, if any. kInvalid: the flag asks for a token that does not exist.
Result<std::vector<int32_t>> ids_at_end(const Json& config, const ConfigEnd& end,
                                        const FindToken& find, std::string_view where);

}  // namespace kilotoken
