#include <gtest/gtest.h>

#include <cmath>

#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

class FakeGguf final : public GgufFile {
 public:
  explicit FakeGguf(Metadata metadata) : metadata_(std::move(metadata)) {}
  const Metadata& metadata() const override { return metadata_; }
  std::optional<Tensor> find(std::string_view) const override { return std::nullopt; }
  std::vector<std::string> names() const override { return {}; }
  int64_t file_bytes() const override { return 0; }

 private:
  Metadata metadata_;
};

struct Token {
  std::string text;
  double score;
  int64_t type;
};

// 0 <unk>, 1 <s>, 2 ▁, 3 a, 4 b, 5 ab, 6 ▁a, 7 <x>
const std::vector<Token> kTokens = {{"<unk>", 0, 2},
                                    {"<s>", 0, 3},
                                    {"\u2581", -9, 1},
                                    {"a", -9, 1},
                                    {"b", -9, 1},
                                    {"ab", -1, 1},
                                    {"\u2581"
                                     "a",
                                     -2, 1},
                                    {"<x>", 0, 4}};

GgufFile::Metadata metadata_of(const std::vector<Token>& tokens) {
  GgufArray texts, scores, types;
  for (const Token& token : tokens) {
    texts.push_back({token.text});
    scores.push_back({token.score});
    types.push_back({token.type});
  }
  GgufFile::Metadata metadata;
  metadata["tokenizer.ggml.model"] = {std::string("llama")};
  metadata["tokenizer.ggml.tokens"] = {std::move(texts)};
  metadata["tokenizer.ggml.scores"] = {std::move(scores)};
  metadata["tokenizer.ggml.token_type"] = {std::move(types)};
  metadata["tokenizer.ggml.bos_token_id"] = {int64_t{1}};
  metadata["tokenizer.ggml.unknown_token_id"] = {int64_t{0}};
  return metadata;
}

std::unique_ptr<Tokenizer> load(GgufFile::Metadata metadata) {
  auto tokenizer = tokenizer_from_gguf(FakeGguf(std::move(metadata)), "f.gguf");
  KT_CHECK(tokenizer.ok(), tokenizer.error().message);
  return std::move(tokenizer).value();
}

std::string error_of(GgufFile::Metadata metadata) {
  auto tokenizer = tokenizer_from_gguf(FakeGguf(std::move(metadata)), "f.gguf");
  return tokenizer.ok() ? "" : tokenizer.error().message;
}

using Ids = std::vector<int32_t>;

TEST(TokenizerGguf, MergesByBestScore) {
  const auto tokenizer = load(metadata_of(kTokens));
  EXPECT_EQ(*tokenizer->encode("ab", true), (Ids{1, 2, 5}));
  EXPECT_EQ(*tokenizer->encode("a", false), (Ids{6}));
  EXPECT_EQ(*tokenizer->encode("az", false), (Ids{6, 0}));
  EXPECT_EQ(*tokenizer->encode("a<x>a<s>", false), (Ids{6, 7, 6, 1}));
  EXPECT_TRUE(tokenizer->is_special(1));
  EXPECT_FALSE(tokenizer->is_special(7));
  EXPECT_EQ(tokenizer->decode(Ids{1, 6, 7, 6}, true), "a<x> a");
}

TEST(TokenizerGguf, Flags) {
  auto metadata = metadata_of(kTokens);
  metadata["tokenizer.ggml.add_bos_token"] = {false};
  metadata["tokenizer.ggml.add_eos_token"] = {true};
  metadata["tokenizer.ggml.eos_token_id"] = {int64_t{1}};
  metadata["tokenizer.ggml.add_space_prefix"] = {false};
  const auto tokenizer = load(metadata);
  EXPECT_EQ(*tokenizer->encode("a a", true), (Ids{3, 6, 1}));
  EXPECT_EQ(tokenizer->decode(Ids{6}, true), " a");
}

TEST(TokenizerGguf, Errors) {
  EXPECT_EQ(tokenizer_from_gguf(FakeGguf({}), "f.gguf").error().code, ErrorCode::kNotFound);
  const auto with = [](const char* key, GgufValue value) {
    auto metadata = metadata_of(kTokens);
    metadata[key] = std::move(value);
    return error_of(std::move(metadata));
  };
  EXPECT_NE(with("tokenizer.ggml.model", {std::string("rwkv")}).find("rwkv"), std::string::npos);
  EXPECT_NE(with("tokenizer.ggml.model", {std::string("gpt2")}).find("merges is missing"),
            std::string::npos);
  EXPECT_NE(with("tokenizer.ggml.scores", {GgufArray(3, GgufValue{1.0})}).find("3 elements for 8"),
            std::string::npos);
  EXPECT_NE(with("tokenizer.ggml.tokens", {GgufArray()}).find("no tokens"), std::string::npos);
  EXPECT_NE(with("tokenizer.ggml.bos_token_id", {int64_t{8}}).find("is 8, there are 8 tokens"),
            std::string::npos);
  EXPECT_NE(with("tokenizer.ggml.add_eos_token", {true}).find("eos_token_id is missing"),
            std::string::npos);
  auto without = metadata_of(kTokens);
  without.erase("tokenizer.ggml.token_type");
  EXPECT_NE(error_of(without).find("token_type is missing"), std::string::npos);
  without = metadata_of(kTokens);
  without.erase("tokenizer.ggml.unknown_token_id");
  EXPECT_NE(error_of(without).find("neither byte tokens nor"), std::string::npos);

  const auto with_token = [](Token token) {
    auto tokens = kTokens;
    tokens.push_back(std::move(token));
    return error_of(metadata_of(tokens));
  };
  EXPECT_NE(with_token({"\xC3", 0, 1}).find("token 8 is not UTF-8"), std::string::npos);
  EXPECT_NE(with_token({"c", std::nan(""), 1}).find("token 8 has no score"), std::string::npos);
  EXPECT_NE(with_token({"<0xZZ>", 0, 6}).find("token 8 is a byte"), std::string::npos);
  EXPECT_NE(with_token({"<0x01>", 0, 6}).find("none for byte 0"), std::string::npos);
}

}  // namespace
}  // namespace kilotoken
