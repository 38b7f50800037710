#include "model/text/formats/vocabulary_files.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

using Ids = std::vector<int32_t>;

const Json kVocab = {{"a", 0u}, {"b", 1u}, {"ab", 2u}, {"\u0120", 3u}, {"\u0120ab", 4u}};
const char* const kMerges = "#version: 0.2\na b\r\n\u0120 ab\n";
const Json kConfig = {{"added_tokens_decoder", {{"6", {{"content", "<x>"}, {"special", true}}}}}};

TEST(VocabularyFiles, VocabAndMerges) {
  const auto tokenizer = tokenizer_from_vocab_and_merges(kVocab, kMerges, kConfig, "vocab.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("ab ab<x>b a", true), (Ids{2, 4, 6, 1, 3, 0}));
  EXPECT_EQ((*tokenizer)->decode(Ids{2, 4, 5, 6}, false), "ab ab<x>");
  EXPECT_EQ((*tokenizer)->vocab_size(), 7);
}

TEST(VocabularyFiles, VocabAndMergesErrors) {
  const auto error = [](const Json& vocab, const char* merges, const Json& config) {
    const auto tokenizer = tokenizer_from_vocab_and_merges(vocab, merges, config, "v");
    return tokenizer.ok() ? std::string() : tokenizer.error().message;
  };
  EXPECT_EQ(error(3, "", {}), "v: the vocabulary is not an object");
  EXPECT_NE(error({{"a", 1u}}, "", {}).find("no token has id 0"), std::string::npos);
  EXPECT_NE(error(kVocab, "a b c", {}).find("merge 0 is not"), std::string::npos);
  EXPECT_NE(error(kVocab, "b a", {}).find("merge 0 b a needs a token"), std::string::npos);
  const Json twice = {{"added_tokens_decoder", {{"1", {{"content", "<x>"}}}}}};
  EXPECT_NE(error(kVocab, "", twice).find("id 1 belongs to two tokens"), std::string::npos);
  const Json far = {{"added_tokens_decoder", {{"99999999999", {{"content", "<x>"}}}}}};
  EXPECT_NE(error(kVocab, "", far).find("is not an id"), std::string::npos);
  const Json gap = {{"added_tokens_decoder", {{"4000000", {{"content", "<x>"}}}}}};
  EXPECT_NE(error(kVocab, "", gap).find("4000000 is not an id of a vocab"), std::string::npos);
}

// a, b, ab, c, abc.
TEST(VocabularyFiles, Tiktoken) {
  const auto tokenizer =
      tokenizer_from_tiktoken("YQ== 0\nYg== 1\nYWI= 2\nYw== 3\nYWJj 4\n", "cl100k", kConfig, "t");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  EXPECT_EQ(*(*tokenizer)->encode("abcab<x>", true), (Ids{4, 2, 6}));
  EXPECT_EQ((*tokenizer)->decode(Ids{4, 2}, true), "abcab");
}

TEST(VocabularyFiles, TiktokenErrors) {
  const auto error = [](const char* ranks, const char* pattern) {
    const auto tokenizer = tokenizer_from_tiktoken(ranks, pattern, {}, "t");
    return tokenizer.ok() ? std::string() : tokenizer.error().message;
  };
  EXPECT_EQ(error("", "cl100k"), "t: holds no tokens");
  EXPECT_EQ(error("YQ== 0\nYQ", "cl100k"), "t: line 2 is not a token in base64 with its rank");
  EXPECT_EQ(error("YQ== 0\nYg== 0", "cl100k"), "t: line 2: rank 0 belongs to two tokens");
  EXPECT_NE(error("YQ== -1", "cl100k").find("is not an id"), std::string::npos);
  EXPECT_NE(error("YQ== 4000000", "cl100k").find("is not an id of a vocab"), std::string::npos);
  EXPECT_NE(error("YQ== 0", "odd").find("pattern odd is not in this build"), std::string::npos);
}

}  // namespace
}  // namespace kilotoken
