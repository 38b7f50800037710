#include "model/text/tokenizer_parts.h"

#include <gtest/gtest.h>

#include "model/text/detokenizer.h"
#include "model/text/formats/made_tokenizer.h"

namespace kilotoken {
namespace {

using Ids = std::vector<int32_t>;

// Ids: 259 ▁, 260 a, 261 b, 262 c, 263 ab, 264 bc, 265 ▁a, 266 abc, 267 aa, 268 aaaa
Json abc() {
  return made_tokenizer_json(
      {"\u2581", "a", "b", "c", "ab", "bc",
       "\u2581"
       "a",
       "abc", "aa", "aaaa"},
      {{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"a", "a"}, {"aa", "aa"}, {"\u2581", "a"}});
}

std::unique_ptr<Tokenizer> load(const Json& json) {
  auto tokenizer = tokenizer_from_json(json, "tokenizer.json");
  KT_CHECK(tokenizer.ok(), tokenizer.error().message);
  return std::move(tokenizer).value();
}

Ids encode(const Tokenizer& tokenizer, std::string_view text, bool special = false) {
  auto ids = tokenizer.encode(text, special);
  KT_CHECK(ids.ok(), ids.error().message);
  return *ids;
}

std::string streamed(const Tokenizer& tokenizer, const Ids& ids, bool skip, bool at_start) {
  Detokenizer stream(tokenizer, skip, at_start);
  std::string text;
  for (const int32_t id : ids) text += stream.push(id);
  return text + stream.finish();
}

Json added(const std::string& content, uint32_t id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", false}};
}

TEST(PipelineTokenizer, MergesInOrderOfRankThenLeftmost) {
  const auto tokenizer = load(abc());
  EXPECT_EQ(encode(*tokenizer, "abc"), (Ids{259, 266}));  // bc first, then a+bc, not ab
  EXPECT_EQ(encode(*tokenizer, "ab"), (Ids{259, 263}));
  EXPECT_EQ(encode(*tokenizer, "a"), (Ids{265}));
  EXPECT_EQ(encode(*tokenizer, "aaa"), (Ids{259, 267, 260}));
  EXPECT_EQ(encode(*tokenizer, "aaaaa"), (Ids{259, 268, 260}));
  EXPECT_EQ(encode(*tokenizer, ""), Ids{});
  EXPECT_EQ(encode(*tokenizer, "", true), Ids{1});
  EXPECT_EQ(encode(*tokenizer, "b a", true), (Ids{1, 259, 261, 265}));
}

// The same with and without a piece that merges across words, where no text needs that piece.
TEST(PipelineTokenizer, PiecesAcrossWords) {
  const auto words = load(made_tokenizer_json({"\u2581", "a", "b", "ab", "\u2581\u2581"},
                                              {{"a", "b"}, {"\u2581", "\u2581"}}));
  const auto across = load(
      made_tokenizer_json({"\u2581", "a", "b", "ab", "\u2581\u2581", "b\u2581", "b\u2581a"},
                          {{"a", "b"}, {"\u2581", "\u2581"}, {"b", "\u2581"}, {"b\u2581", "a"}}));
  for (const char* text : {"ab ab", "ab  ab", "  a   a", "a a ", "ab\u2581ab", " ", "ab"}) {
    EXPECT_EQ(encode(*words, text), encode(*across, text)) << text;
  }
  EXPECT_EQ(encode(*words, "b a"), (Ids{259, 261, 259, 260}));
  EXPECT_EQ(encode(*across, "b a"), (Ids{259, 265}));
}

TEST(PipelineTokenizer, LongTextIsNotQuadratic) {
  const auto tokenizer = load(abc());
  const std::string text(400'000, 'a');
  EXPECT_EQ(encode(*tokenizer, text).size(), 100'001u);
}

TEST(PipelineTokenizer, BytesWhereNoPieceIs) {
  const auto tokenizer = load(abc());
  EXPECT_EQ(encode(*tokenizer, "\u00e9"), (Ids{259, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(encode(*tokenizer, std::string_view("\0", 1)), (Ids{259, 3}));
  EXPECT_EQ(tokenizer->decode(Ids{259, 3 + 0xC3, 3 + 0xA9}, true), "\u00e9");
}

TEST(PipelineTokenizer, TextThatIsNotUtf8) {
  const auto tokenizer = load(abc());
  const auto ids = tokenizer->encode("ab\xC3", false);
  ASSERT_FALSE(ids.ok());
  EXPECT_EQ(ids.error().code, ErrorCode::kInvalid);
  EXPECT_NE(ids.error().message.find("byte 2"), std::string::npos);
}

TEST(PipelineTokenizer, SpecialTokensInTheText) {
  const auto tokenizer = load(abc());
  EXPECT_EQ(encode(*tokenizer, "a</s>a"), (Ids{265, 2, 265}));
  EXPECT_EQ(encode(*tokenizer, "</s></s>"), (Ids{2, 2}));
  EXPECT_TRUE(tokenizer->is_special(2));
  EXPECT_FALSE(tokenizer->is_special(260));
  EXPECT_FALSE(tokenizer->is_special(-1));
  EXPECT_FALSE(tokenizer->is_special(1000));
}

TEST(PipelineTokenizer, AddedTokensTakeTheLongestAndTheirSpace) {
  Json json = abc();
  json["added_tokens"].push_back(added("<x>", 269));
  json["added_tokens"].push_back(added("<x>y", 270));
  json["added_tokens"].back()["rstrip"] = true;
  json["added_tokens"].push_back(added("<l>", 271));
  json["added_tokens"].back()["lstrip"] = true;
  const auto tokenizer = load(json);
  EXPECT_EQ(tokenizer->vocab_size(), 272);
  EXPECT_EQ(encode(*tokenizer, "<x> a"), (Ids{269, 259, 265}));
  EXPECT_EQ(encode(*tokenizer, "<x>y \n\u2003a"), (Ids{270, 265}));
  EXPECT_EQ(encode(*tokenizer, "a \t<l>a"), (Ids{265, 271, 265}));
  EXPECT_EQ(encode(*tokenizer, "<x>y  <l>"), (Ids{270, 271}));
  EXPECT_EQ(encode(*tokenizer, " <l>"), (Ids{271}));
  EXPECT_EQ(tokenizer->decode(Ids{269, 265}, true), "<x> a");
}

// The content goes through the normalizer too, so with a Prepend it is only found at a start.
TEST(PipelineTokenizer, NormalizedAddedTokens) {
  Json json = abc();
  json["added_tokens"].push_back(added("a b", 269));
  json["added_tokens"].back()["normalized"] = true;
  const auto tokenizer = load(json);
  EXPECT_EQ(encode(*tokenizer, "a bc"), (Ids{269, 262}));
  EXPECT_EQ(encode(*tokenizer, "ca b"), (Ids{259, 262, 260, 259, 261}));
}

TEST(PipelineTokenizer, MetaspaceSchemes) {
  Json json = abc();
  json["normalizer"] = nullptr;
  const auto with_scheme = [&](const char* scheme) {
    json["pre_tokenizer"] = {{"type", "Metaspace"},
                             {"replacement", "\u2581"},
                             {"prepend_scheme", scheme},
                             {"split", false}};
    return load(json);
  };
  const auto first = with_scheme("first");
  EXPECT_EQ(encode(*first, "a</s>a"), (Ids{265, 2, 260}));
  EXPECT_EQ(encode(*first, " a"), (Ids{265}));
  EXPECT_EQ(encode(*first, "</s>a"), (Ids{2, 260}));
  const auto always = with_scheme("always");
  EXPECT_EQ(encode(*always, "a</s>a a"), (Ids{265, 2, 265, 265}));
  EXPECT_EQ(encode(*always, " a"), (Ids{265}));
  const auto never = with_scheme("never");
  EXPECT_EQ(encode(*never, "a a"), (Ids{260, 265}));
}

TEST(PipelineTokenizer, UnknownWithoutBytes) {
  Json json = {{"<unk>", 0u}, {"a", 1u}, {"\u2581", 2u}};
  Json tokenizer_json = abc();
  tokenizer_json["added_tokens"] = Json::array();
  tokenizer_json["post_processor"] = nullptr;
  tokenizer_json["model"] = {{"type", "BPE"},
                             {"unk_token", "<unk>"},
                             {"fuse_unk", true},
                             {"vocab", json},
                             {"merges", Json::array()}};
  tokenizer_json["decoder"]["decoders"].erase(1);
  EXPECT_EQ(encode(*load(tokenizer_json), "axyaz"), (Ids{2, 1, 0, 1, 0}));
  tokenizer_json["model"]["fuse_unk"] = false;
  EXPECT_EQ(encode(*load(tokenizer_json), "axyaz"), (Ids{2, 1, 0, 0, 1, 0}));
}

TEST(PipelineTokenizer, ByteOfPiece) {
  EXPECT_EQ(byte_of_piece("<0x00>"), 0);
  EXPECT_EQ(byte_of_piece("<0xfF>"), 255);
  for (const char* other : {"<0xG0>", "<0x0>", "0x00", "<0x00 ", "<0x000>", ""}) {
    EXPECT_EQ(byte_of_piece(other), -1) << other;
  }
}

TEST(Detokenizer, HoldsHalfACharacterBack) {
  const auto tokenizer = load(abc());
  Detokenizer stream(*tokenizer, true, true);
  EXPECT_EQ(stream.push(265), "a");  // its leading space is the one that encode() put there
  EXPECT_EQ(stream.push(265), " a");
  EXPECT_EQ(stream.push(3 + 0xF0), "");
  EXPECT_EQ(stream.push(3 + 0x9F), "");
  EXPECT_EQ(stream.push(3 + 0x98), "");
  EXPECT_EQ(stream.push(2), "");  // skipped; the character goes on
  EXPECT_EQ(stream.push(3 + 0x80), "\U0001F600");
  EXPECT_EQ(stream.push(3 + 0xC3), "");
  EXPECT_EQ(stream.push(260), "\uFFFDa");
  EXPECT_EQ(stream.push(3 + 0xE4), "");
  EXPECT_EQ(stream.push(3 + 0xBD), "");
  EXPECT_EQ(stream.finish(), "\uFFFD\uFFFD");
  EXPECT_EQ(stream.finish(), "");
}

TEST(Detokenizer, ContinuesAPromptWithItsSpace) {
  const auto tokenizer = load(abc());
  EXPECT_EQ(streamed(*tokenizer, {265, 265}, true, false), " a a");
  EXPECT_EQ(streamed(*tokenizer, {1, 265}, true, true), "a");
  EXPECT_EQ(streamed(*tokenizer, {1, 265}, false, true), "<s> a");
  EXPECT_EQ(streamed(*tokenizer, {5000, -1}, true, true), "");
}

// Every pair and triple of awkward tokens: the stream says what decode() says.
TEST(Detokenizer, StreamEqualsTheWhole) {
  const auto tokenizer = load(abc());
  const Ids tokens = {1,        2,        259,      260,      265,
                      3 + 0x41, 3 + 0xC3, 3 + 0xA9, 3 + 0xE2, 3 + 0x82,
                      3 + 0xAC, 3 + 0xFF, 3 + 0xED, 3 + 0xA0, 3 + 0x20};
  for (const int32_t a : tokens) {
    for (const int32_t b : tokens) {
      for (const int32_t c : tokens) {
        const Ids ids = {a, b, c};
        for (const bool skip : {true, false}) {
          ASSERT_EQ(streamed(*tokenizer, ids, skip, true), tokenizer->decode(ids, skip))
              << a << " " << b << " " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace kilotoken
