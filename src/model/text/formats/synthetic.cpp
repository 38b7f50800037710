// A tokenizer for a model without one: weights that were made up have nothing to say, but clients
// want text.

#include <cstdio>

#include "model/text/models/letter_groups.h"
#include "model/text/tokenizer_parts.h"

namespace kilotoken {

Result<std::unique_ptr<Tokenizer>> make_synthetic_tokenizer(int vocab_size) {
  const std::string where = "the synthetic tokenizer";
  if (vocab_size < kLetterGroupsBegin) {
    return invalid(where + " needs a vocabulary of at least 256 tokens, this one has " +
                   std::to_string(vocab_size));
  }
  TokenizerParts parts;
  for (int32_t id = 0; id < vocab_size; ++id) {
    if (id >= kLetterGroupsBegin) {
      parts.tokens.push_back({letter_group(id)});
      continue;
    }
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(id));
    parts.tokens.push_back({name});
  }
  parts.model = make_letter_groups(vocab_size);
  std::vector<DecoderStep> steps(2);
  steps[0].kind = DecoderStep::kByteFallback;
  steps[1].kind = DecoderStep::kFuse;
  KT_TRY(parts.decoder, Decoder::make(std::move(steps), where));
  return make_tokenizer(std::move(parts), where);
}

}  // namespace kilotoken
