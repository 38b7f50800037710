// The tokenizers against what independent engines made of the same strings. Needs
// KILOTOKEN_TEST_DATA.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/files.h"
#include "model/text/detokenizer.h"
#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

using Ids = std::vector<int32_t>;
namespace fs = std::filesystem;

class TokenizerData : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("KILOTOKEN_TEST_DATA");
    if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
    data_ = data;
  }

  Json json(const std::string& path) const {
    auto text = read_text_file(data_ / path);
    EXPECT_TRUE(text.ok()) << text.error().message;
    auto parsed = parse_json(*text, path);
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    return *parsed;
  }
  std::unique_ptr<Tokenizer> hf(const std::string& path) const {
    auto tokenizer = tokenizer_from_json(json(path), path);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    return std::move(tokenizer).value();
  }
  std::unique_ptr<Tokenizer> gguf(const std::string& path) const {
    auto file = open_gguf(data_ / path);
    EXPECT_TRUE(file.ok()) << file.error().message;
    auto tokenizer = tokenizer_from_gguf(**file, path);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    return std::move(tokenizer).value();
  }

  void expect_ids(const Tokenizer& tokenizer, const std::string& text, bool special,
                  const Ids& expected) {
    const auto ids = tokenizer.encode(text, special);
    ASSERT_TRUE(ids.ok()) << ids.error().message;
    EXPECT_EQ(*ids, expected) << "text: " << testing::PrintToString(text);
    ++compared_;
  }
  // The whole, and the same token by token.
  void expect_text(const Tokenizer& tokenizer, const Ids& ids, bool skip,
                   const std::string& expected) {
    EXPECT_EQ(tokenizer.decode(ids, skip), expected);
    Detokenizer stream(tokenizer, skip, true);
    std::string text;
    for (const int32_t id : ids) text += stream.push(id);
    EXPECT_EQ(text + stream.finish(), expected);
    ++compared_;
  }
  void report(const std::string& what) const {
    std::cout << what << ": " << compared_ << " comparisons\n";
  }

  fs::path data_;
  int compared_ = 0;
};

TEST_F(TokenizerData, FiveHundredStrings) {
  const auto from_hf = hf("stories260K/hf/tokenizer.json");
  const auto from_gguf = gguf("stories260K/gguf/stories260K-f32.gguf");
  for (const Json& entry : json("stories260K/reference/tokenize_500.json")) {
    const std::string text = entry["text"];
    std::string with_spaces = text;  // a "▁" of the text comes back as a space
    for (size_t at; (at = with_spaces.find("\u2581")) != std::string::npos;) {
      with_spaces.replace(at, 3, " ");
    }
    for (const auto* tokenizer : {from_hf.get(), from_gguf.get()}) {
      const Ids ids = entry["ids"].get<Ids>();
      expect_ids(*tokenizer, text, true, ids);
      expect_text(*tokenizer, ids, true, with_spaces);
    }
  }
  report("stories260K, tokenizer.json and GGUF");
  EXPECT_EQ(compared_, 2000);
}

TEST_F(TokenizerData, ReferencePrompts) {
  const auto from_hf = hf("stories260K/hf/tokenizer.json");
  const auto from_gguf = gguf("stories260K/gguf/stories260K-f32.gguf");
  for (const Json& entry : json("stories260K/reference/reference.json")) {
    for (const auto* tokenizer : {from_hf.get(), from_gguf.get()}) {
      Ids ids = entry["ids"].get<Ids>();
      expect_ids(*tokenizer, entry["prompt"], true, ids);
      for (const int32_t id : entry["greedy_ids"].get<Ids>()) ids.push_back(id);
      expect_text(*tokenizer, ids, true, entry["greedy_text"]);
    }
  }
  report("stories260K reference prompts");
  EXPECT_EQ(compared_, 96);
}

// The encodings have BOS in front, which phi-3-mini's own template does not put.
TEST_F(TokenizerData, Llama2Vocabulary) {
  const auto tokenizer = hf("tokenizers/hf/phi-3-mini/tokenizer.json");
  const Json entries = json("tokenizers/expected_encodings.json")["Xenova/llama-tokenizer"];
  for (const Json& entry : entries) {
    Ids ids = entry["ids"].get<Ids>();
    expect_text(*tokenizer, ids, false, entry["decoded"]);
    ASSERT_EQ(ids.front(), 1);
    ids.erase(ids.begin());
    expect_ids(*tokenizer, entry["text"], true, ids);
  }
  report("Llama-2 vocabulary");
  EXPECT_EQ(compared_, 2 * static_cast<int>(entries.size()));
}

TEST_F(TokenizerData, Llama2VocabularyInGguf) {
  const auto from_gguf = gguf("tokenizers/gguf/ggml-vocab-phi-3.gguf");
  const auto from_hf = hf("tokenizers/hf/phi-3-mini/tokenizer.json");
  const auto text = read_text_file(data_ / "tokenizers/gguf/ggml-vocab-phi-3.gguf.inp");
  ASSERT_TRUE(text.ok());
  std::ifstream out(data_ / "tokenizers/gguf/ggml-vocab-phi-3.gguf.out");
  const std::string separator = "\n__ggml_vocab_test__\n";
  for (size_t at = 0; at < text->size();) {
    const size_t end = text->find(separator, at);
    if (end == std::string::npos) break;
    const std::string input = text->substr(at, end - at);
    at = end + separator.size();
    std::string line;
    ASSERT_TRUE(std::getline(out, line));
    std::istringstream numbers(line);
    Ids expected;
    for (int32_t id = 0; numbers >> id;) expected.push_back(id);
    expect_ids(*from_gguf, input, false, expected);
    expect_ids(*from_hf, input, false, expected);
    expect_text(*from_gguf, expected, true, input);
  }
  report("Llama-2 vocabulary in GGUF");
  EXPECT_GT(compared_, 3 * 40);
}

TEST_F(TokenizerData, Llama2Structures) {
  for (const std::string name : {"llama2_style_legacy", "llama2_style_metaspace"}) {
    const std::string folder = "tokenizers/made/" + name;
    const auto tokenizer = hf(folder + "/tokenizer.json");
    const Json all = json(folder + "/encodings.json");
    const int before = compared_;
    int expected = 0;
    for (const Json& entry : all["cases"]) {
      const Ids ids = entry["ids"].get<Ids>();
      const Ids bare = entry.value("ids_no_special", ids);
      expect_ids(*tokenizer, entry["text"], true, ids);
      expect_ids(*tokenizer, entry["text"], false, bare);
      const std::string decoded = entry["decoded"];
      expect_text(*tokenizer, bare, false, decoded);
      expect_text(*tokenizer, bare, true, entry.value("decoded_skip_special", decoded));
      expected += 4;
    }
    for (const Json& entry : all["chat"]) {
      if (!entry.contains("ids")) continue;
      expect_ids(*tokenizer, entry["text"], false, entry["ids"].get<Ids>());
      ++expected;
    }
    EXPECT_EQ(compared_ - before, expected);
  }
  report("made Llama-2 structures");
  EXPECT_GT(compared_, 1500);
}

TEST_F(TokenizerData, MistralV3) {
  const auto tokenizer = hf("tokenizers/mistral_v3/hf_v0.3/tokenizer.json");
  const Json entries = json("tokenizers/mistral_v3/hf_v0.3/encodings.json")["entries"];
  for (const Json& entry : entries) {
    expect_ids(*tokenizer, entry["text"], false, entry["ids"].get<Ids>());
    expect_ids(*tokenizer, entry["text"], true, entry["ids_special"].get<Ids>());
    expect_text(*tokenizer, entry["ids"].get<Ids>(), false, entry["decode"]);
  }
  report("Mistral v3");
  EXPECT_EQ(compared_, 3 * static_cast<int>(entries.size()));
}

TEST_F(TokenizerData, OtherTokenizersAreRefusedByName) {
  for (const char* path :
       {"tokenizers/hf/clip/tokenizer.json", "tokenizers/hf/phi-2/tokenizer.json",
        "tokenizers/made/llama3_style/tokenizer.json", "tokenizers/made/qwen2_style/tokenizer.json",
        "tokenizers/made/unigram_simple/tokenizer.json",
        "tokenizers/made/bert_wordpiece_style/tokenizer.json"}) {
    const auto tokenizer = tokenizer_from_json(json(path), path);
    ASSERT_FALSE(tokenizer.ok()) << path;
    EXPECT_EQ(tokenizer.error().code, ErrorCode::kUnsupported) << tokenizer.error().message;
    std::cout << tokenizer.error().message << "\n";
  }
  auto file = open_gguf(data_ / "tokenizers/gguf/ggml-vocab-gpt-2.gguf");
  ASSERT_TRUE(file.ok()) << file.error().message;
  const auto tokenizer = tokenizer_from_gguf(**file, "gpt-2.gguf");
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.error().code, ErrorCode::kUnsupported);
  std::cout << tokenizer.error().message << "\n";
}

}  // namespace
}  // namespace kilotoken
