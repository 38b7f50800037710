// A tokenizer.model; the text to encode is a part of it, and a long one of a few letters.

#include "fuzz_target.h"
#include "model/text/formats/sentencepiece_model.h"

namespace kilotoken {
namespace {

void run(std::string_view input) {
  const auto tokenizer = tokenizer_from_sentencepiece(input, Json(), "input");
  if (!tokenizer.ok()) return;
  for (const std::string_view text : {input.substr(0, 64), std::string_view("a b  ab\n"),
                                      std::string_view("<s> aaaa bbbb</s>")}) {
    const auto ids = (*tokenizer)->encode(text, true);
    if (!ids.ok()) continue;
    for (const int32_t id : *ids) KT_CHECK(id >= 0 && id < (*tokenizer)->vocab_size());
    (*tokenizer)->decode(*ids, true);
  }
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kilotoken::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
