#include <gtest/gtest.h>

#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

constexpr const char* kEnglish =
    "Once upon a time there was a fox who lived at the edge of the forest. One day he met a "
    "rabbit, "
    "and they went to the river together.";

TEST(SyntheticTokenizer, GivesEveryTextBack) {
  const std::string texts[] = {
      "", " ", "a", " zzzz  yy", "Zug um 8:15, café ☕!\n", kEnglish, "<0x41> is text"};
  for (const int vocab_size : {256, 300, 1000, 32'000, 128'256, 1'000'000}) {
    const auto tokenizer = make_synthetic_tokenizer(vocab_size).value();
    EXPECT_EQ(tokenizer->vocab_size(), vocab_size);
    for (const std::string& text : texts) {
      const std::vector<int32_t> ids = tokenizer->encode(text, true).value();
      for (const int32_t id : ids) ASSERT_LT(id, vocab_size);
      EXPECT_EQ(tokenizer->decode(ids, true), text) << vocab_size;
    }
  }
}

TEST(SyntheticTokenizer, EnglishTakesFarFewerTokensThanBytes) {
  const auto tokenizer = make_synthetic_tokenizer(32'000).value();
  const double characters = static_cast<double>(std::string(kEnglish).size());
  const size_t tokens = tokenizer->encode(kEnglish, true).value().size();
  EXPECT_GT(characters / static_cast<double>(tokens), 2.4);
}

TEST(SyntheticTokenizer, EveryTokenHasATextOfItsOwn) {
  const auto tokenizer = make_synthetic_tokenizer(40'000).value();
  EXPECT_EQ(tokenizer->token_bytes(65), "A");
  EXPECT_EQ(tokenizer->token_bytes(256), " a");
  EXPECT_EQ(tokenizer->token_bytes(282), "aa");
  EXPECT_EQ(tokenizer->token_bytes(1'634 + 26 * 26 + 1), " bab");
  for (int32_t id = 256; id < 40'000; id += 7) {
    const std::string text(tokenizer->token_bytes(id));
    EXPECT_EQ(tokenizer->encode(text, true).value(), std::vector<int32_t>{id}) << text;
  }
}

TEST(SyntheticTokenizer, NeedsRoomForTheBytes) {
  const auto tokenizer = make_synthetic_tokenizer(100);
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_NE(tokenizer.error().message.find("100"), std::string::npos);
}

}  // namespace
}  // namespace kilotoken
