#include "serve/load/tokenizer_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "model/text/formats/made_tokenizer.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;
using Ids = std::vector<int32_t>;

class TokenizerFiles : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  void put_json() const { put("tokenizer.json", made_tokenizer_json({"\u2581", "a"}, {}).dump()); }
  Ids ids(const std::string& text, const Json& config = {}) const {
    const auto tokenizer = open_tokenizer(folder_, config);
    EXPECT_TRUE(tokenizer.ok() && *tokenizer) << (tokenizer.ok() ? "" : tokenizer.error().message);
    if (!tokenizer.ok() || !*tokenizer) return {};
    return *(*tokenizer)->encode(text, true);
  }
  std::string error(const Json& config) const {
    const auto tokenizer = open_tokenizer(folder_, config);
    return tokenizer.ok() ? std::string() : tokenizer.error().message;
  }

  const fs::path folder_ =
      fs::temp_directory_path() / ("kilotoken_tokenizer_files_" + std::to_string(getpid()));
};

TEST_F(TokenizerFiles, NoneIsNoError) {
  put("vocab.json", "{}");  // without merges
  const auto tokenizer = open_tokenizer(folder_, {});
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(*tokenizer, nullptr);
}

TEST_F(TokenizerFiles, VocabAndMergesThenTiktokenThenJson) {
  put("vocab.json", R"({"a": 0, "b": 1, "ab": 2})");
  put("merges.txt", "a b\n");
  EXPECT_EQ(ids("ab"), (Ids{2}));
  EXPECT_EQ(ids("ab", {{"add_bos_token", true}, {"bos_token", "b"}}), (Ids{1, 2}));
  EXPECT_NE(error({{"tokenizer_class", "CLIPTokenizer"}}).find("of a CLIPTokenizer are not"),
            std::string::npos);
  put("cl100k_base.tiktoken", "YQ== 0\nYg== 1\nYWI= 3\n");
  EXPECT_EQ(ids("ab"), (Ids{3})) << "tiktoken comes before vocab.json";
  put("tokenizer.model", "damaged");
  EXPECT_NE(error({}).find("tokenizer.model"), std::string::npos) << "and after tokenizer.model";
  put_json();
  EXPECT_EQ(ids("a"), (Ids{1, 259, 260})) << "tokenizer.json comes first";
}

TEST_F(TokenizerFiles, TiktokenOfUnknownName) {
  put("mine.tiktoken", "YQ== 0\n");
  EXPECT_NE(error({}).find("pattern mine is not in this build"), std::string::npos);
}

TEST_F(TokenizerFiles, LlamaTokenizerPutsItsOwnEnds) {
  put_json();
  const auto config = [](const char* kind, bool bos, bool eos) {
    return Json{{"tokenizer_class", kind}, {"add_bos_token", bos}, {"add_eos_token", eos}};
  };
  EXPECT_EQ(ids("a", config("LlamaTokenizer", false, false)), (Ids{259, 260}));
  EXPECT_EQ(ids("a", config("LlamaTokenizerFast", true, true)), (Ids{1, 259, 260, 2}));
  EXPECT_EQ(ids("a", config("PreTrainedTokenizerFast", false, true)), (Ids{1, 259, 260}));
  Json no_such = config("LlamaTokenizer", true, false);
  no_such["bos_token"] = "<bos>";
  EXPECT_NE(error(no_such).find("no token bos_token <bos>"), std::string::npos);
}

TEST_F(TokenizerFiles, SentencePieceOfTheTestData) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  fs::copy_file(fs::path(data) / "tokenizers/made/llama2_style_legacy/tokenizer.model",
                folder_ / "tokenizer.model");
  EXPECT_EQ(ids(" "), (Ids{1, 371}));
  EXPECT_EQ(ids(" ", {{"add_bos_token", false}, {"add_eos_token", true}}), (Ids{371, 2}));
}

}  // namespace
}  // namespace kilotoken
