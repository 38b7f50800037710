// tokenizer.json up to the first zero byte; what follows is a text to encode, and ids to decode.

#include "fuzz_target.h"
#include "model/text/detokenizer.h"
#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

void decode_both_ways(const Tokenizer& tokenizer, const std::vector<int32_t>& ids, bool skip) {
  Detokenizer stream(tokenizer, skip, true);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  text += stream.finish();
  KT_CHECK(text == tokenizer.decode(ids, skip), "the stream says what the whole says");
}

void run(std::string_view input) {
  const size_t end = input.find('\0');
  const std::string_view json = input.substr(0, end);
  const std::string_view text = end == input.npos ? "a b" : input.substr(end + 1);
  const auto parsed = parse_json(json, "input");
  if (!parsed.ok()) return;
  const auto tokenizer = tokenizer_from_json(*parsed, "input");
  if (!tokenizer.ok()) return;
  const auto encoded = (*tokenizer)->encode(text, true);
  std::vector<int32_t> ids;
  if (encoded.ok()) ids = *encoded;
  for (const int32_t id : ids) KT_CHECK(id >= 0 && id < (*tokenizer)->vocab_size());
  for (const char byte : text) ids.push_back(byte);  // some outside the vocabulary
  decode_both_ways(**tokenizer, ids, true);
  decode_both_ways(**tokenizer, ids, false);
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kilotoken::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
