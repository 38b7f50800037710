// A megabyte of one letter, which no pre-tokenizer cuts, through every kind of model: encoded or
// refused, but in a time that grows with the text and not with its square, which the test's time
// limit holds it to.
//
// usage: kt_tokenizer_long_line     (KILOTOKEN_TEST_DATA names the folder of reference tokenizers)

#include <cstdio>
#include <cstdlib>

#include "model/text/formats/sentencepiece_model.h"
#include "text/score.h"

namespace kilotoken::test {
namespace {

bool encodes(const std::string& name, const Tokenizer& tokenizer, bool keeps_text) {
  bool good = true;
  for (const char letter : {'a', '7', ' ', '-'}) {
    const std::string line(1 << 20, letter);
    const auto ids = tokenizer.encode(line, false);
    if (!ids.ok()) {
      good &= ids.error().code == ErrorCode::kTooLarge;
      std::printf("%s: '%c': %s\n", name.c_str(), letter, ids.error().message.c_str());
      continue;
    }
    const bool same = !keeps_text || tokenizer.decode(*ids, false) == line;
    if (!same) std::printf("FAILED: %s: '%c' comes back as another text\n", name.c_str(), letter);
    good &= same;
  }
  std::printf("%s: %s\n", name.c_str(), good ? "good" : "FAILED");
  return good;
}

int run(const std::filesystem::path& made) {
  bool good = true;
  for (const char* name : {"llama3_style", "qwen2_style", "llama2_style_legacy",
                           "llama2_style_metaspace", "unigram_simple", "bert_wordpiece_style"}) {
    const auto path = made / name / "tokenizer.json";
    const auto tokenizer = taken(tokenizer_from_json(read_json(path), path.string()));
    // Metaspace gives up the first of many spaces, the last two give up more.
    const bool keeps_text =
        std::string_view("llama3_style qwen2_style llama2_style_legacy").find(name) !=
        std::string_view::npos;
    good &= encodes(name, *tokenizer, keeps_text);
  }
  const auto path = made / "llama2_style_legacy/tokenizer.model";
  good &=
      encodes("tokenizer.model",
              *taken(tokenizer_from_sentencepiece(read_text(path), Json(), path.string())), true);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace kilotoken::test

int main() {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) {
    std::printf("tokenizer_long_line: skipped, KILOTOKEN_TEST_DATA is not set\n");
    return 0;
  }
  return kilotoken::test::run(std::filesystem::path(data) / "tokenizers/made");
}
