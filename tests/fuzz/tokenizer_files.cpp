// Vocabularies in files of their own. The first byte picks the format: 't' for tiktoken's ranks,
// any other for vocab.json. What follows, each up to a zero byte: tokenizer_config.json (none if it
// is no JSON); a text to encode, and ids to decode; for vocab.json its merges.txt. The rest is the
// vocabulary.

#include "fuzz_target.h"
#include "model/text/formats/vocabulary_files.h"
#include "tokenizer_touch.h"

namespace kilotoken {
namespace {

std::string_view take_part(std::string_view& input) {
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view part = input.substr(0, end);
  input.remove_prefix(std::min(end + 1, input.size()));
  return part;
}

Json json_or_null(std::string_view text) {
  auto json = parse_json(text, "tokenizer_config.json");
  return json.ok() ? std::move(*json) : Json();
}

Result<std::unique_ptr<Tokenizer>> load(char format, const Json& config, std::string_view input) {
  if (format == 't') return tokenizer_from_tiktoken(input, "cl100k", config, "input");
  const std::string_view merges = take_part(input);
  KT_TRY(const Json vocab, parse_json(input, "vocab.json"));
  return tokenizer_from_vocab_and_merges(vocab, merges, config, "input");
}

}  // namespace
}  // namespace kilotoken

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kilotoken;
  if (size == 0) return 0;
  std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Json config = json_or_null(take_part(input));
  const std::string_view text = take_part(input);
  const auto tokenizer = load(static_cast<char>(data[0]), config, input);
  if (tokenizer.ok()) touch(**tokenizer, text);
  return 0;
}
