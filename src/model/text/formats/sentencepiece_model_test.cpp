#include "model/text/formats/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

namespace kilotoken {
namespace {

using Ids = std::vector<int32_t>;

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string number(uint64_t field, uint64_t value) { return varint(field << 3) + varint(value); }
std::string text(uint64_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string piece(const std::string& name, float score, uint64_t type = 1) {
  std::string bits;
  for (int i = 0; i < 4; ++i) {
    bits += static_cast<char>(std::bit_cast<uint32_t>(score) >> (8 * i) & 0xFF);
  }
  return text(1, text(1, name) + varint(2 << 3 | 5) + bits + number(3, type));
}

const std::string kSpecials = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3);
const std::string kPieces = kSpecials + piece("\u2581", -3) + piece("a", -3) + piece("b", -4) +
                            piece("ab", -1) + piece("\u2581ab", -2) + piece("<u>", 0, 4);
const std::string kNoExtra = text(3, number(4, 0));

Result<std::unique_ptr<Tokenizer>> read(const std::string& model, const Json& config = {}) {
  return tokenizer_from_sentencepiece(model, config, "m");
}
Ids ids(const std::string& model, const std::string& line, const Json& config = {}) {
  const auto tokenizer = read(model, config);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  if (!tokenizer.ok()) return {};
  const auto encoded = (*tokenizer)->encode(line, true);
  EXPECT_TRUE(encoded.ok());
  return *encoded;
}
std::string error(const std::string& model, const Json& config = {}) {
  const auto tokenizer = read(model, config);
  return tokenizer.ok() ? std::string() : tokenizer.error().message;
}

TEST(SentencePieceModel, BpeAndUnigram) {
  EXPECT_EQ(ids(kPieces + text(2, number(3, 2)), "ab b"), (Ids{1, 7, 3, 5}));
  EXPECT_EQ(ids(kPieces, "ab ba<u>"), (Ids{1, 7, 3, 5, 4, 8}));
}

TEST(SentencePieceModel, NormalizerSpec) {
  EXPECT_EQ(ids(kPieces, "  a  b "), (Ids{1, 3, 4, 3, 5})) << "extra white space goes by default";
  EXPECT_EQ(ids(kPieces + kNoExtra, " a"), (Ids{1, 3, 3, 4}));
  EXPECT_EQ(ids(kPieces + text(3, number(3, 0)), "ab"), (Ids{1, 6})) << "no dummy prefix";
  EXPECT_EQ(ids(kPieces + text(3, number(3, 0) + number(5, 0)), "a b"), (Ids{1, 4, 0, 5}));
}

TEST(SentencePieceModel, Config) {
  const Json config = {{"add_bos_token", false},
                       {"add_eos_token", true},
                       {"legacy", false},
                       {"eos_token", {{"content", "<x>"}}},
                       {"added_tokens_decoder",
                        {{"10", {{"content", "<x>"}, {"special", true}, {"rstrip", true}}}}}};
  EXPECT_EQ(ids(kPieces + kNoExtra, " a<x> b", config), (Ids{3, 4, 10, 5, 10}));
  EXPECT_NE(error(kPieces, {{"add_eos_token", true}, {"eos_token", "<y>"}})
                .find("add_eos_token is true, but there is no token eos_token <y>"),
            std::string::npos);
  EXPECT_NE(error(kPieces, {{"added_tokens_decoder", {{"4", {{"content", "c"}}}}}})
                .find("id 4 belongs to two tokens"),
            std::string::npos);
}

TEST(SentencePieceModel, Errors) {
  const auto names = [](const std::string& model, const char* what) {
    const std::string message = error(model);
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  names("", "holds no tokens");
  names("<html>not a model</html>", "the file is damaged or no such model");
  names(text(1, ""), "token 0 has no text");
  names(piece("\xff", 0), "token 0 is not UTF-8");
  names(piece("a", std::numeric_limits<float>::infinity()), "token 0 has no score");
  names(piece("a", 0, 9), "byte 10: token 0 is of type 9");
  names(number(1, 3), "field 1 is not a text");
  names(kSpecials + piece("<unk>", 0, 2), "token 3 is a second unknown token");
  names(piece("a", 0), "no token is of type unknown");
  names(kPieces + text(2, number(3, 3)), "model_type word is not in this build yet");
  names(kPieces + text(2, number(3, 4)), "model_type char is not in this build yet");
  names(kPieces + text(2, number(24, 1)), "treat_whitespace_as_suffix is not");
  names(kPieces + text(2, number(35, 1)), "byte_fallback is true, but there are no byte tokens");
  names(kPieces + piece("<0x00>", 0, 6), "there are byte tokens, though byte_fallback is false");
  names(kPieces + text(3, text(2, "abc")), "precompiled_charsmap");
  names(kPieces + text(5, text(2, "abc")), "a denormalizer is not");
}

// No beginning of a file may do harm, nor be taken for the whole but at the end of a field.
TEST(SentencePieceModel, CutOffAnywhere) {
  const std::string model = kPieces + text(2, number(3, 2)) + kNoExtra;
  size_t taken = 0;
  for (size_t size = 0; size < model.size(); ++size) taken += read(model.substr(0, size)).ok();
  EXPECT_LE(taken, 10u);
}

}  // namespace
}  // namespace kilotoken
