#include <gtest/gtest.h>

#include "model/text/formats/made_tokenizer.h"
#include "model/text/tokenizer.h"

namespace kilotoken {
namespace {

Json small() { return made_tokenizer_json({"\u2581", "a", "b", "ab"}, {{"a", "b"}}); }

Error error_of(const Json& json) {
  auto tokenizer = tokenizer_from_json(json, "tokenizer.json");
  if (tokenizer.ok()) {
    ADD_FAILURE() << "accepted";
    return {};
  }
  return tokenizer.error();
}

TEST(TokenizerJson, Accepted) {
  EXPECT_TRUE(tokenizer_from_json(small(), "tokenizer.json").ok());
  Json merges_as_text = small();
  merges_as_text["model"]["merges"] = {"a b"};
  EXPECT_TRUE(tokenizer_from_json(merges_as_text, "tokenizer.json").ok());
}

TEST(TokenizerJson, IdGap) {
  Json json = small();
  json["model"]["vocab"]["ab"] = 300u;
  EXPECT_EQ(error_of(json).message,
            "tokenizer.json: no token has id 262, though ids go up to 300: the vocabulary is "
            "damaged, fetch it again");
  json["model"]["vocab"]["ab"] = 2147483647u;
  EXPECT_NE(error_of(json).message.find("no token has id 262"), std::string::npos);
  Json past = small();
  past["added_tokens"].push_back({{"id", 500u}, {"content", "<x>"}, {"special", true}});
  EXPECT_NE(error_of(past).message.find("no token has id 263"), std::string::npos);
}

TEST(TokenizerJson, DuplicateAndWrongIds) {
  Json json = small();
  json["model"]["vocab"]["ab"] = 260u;
  EXPECT_NE(error_of(json).message.find("id 260 belongs to two tokens"), std::string::npos);
  for (const Json& id : {Json(-1), Json("7"), Json(1.5), Json(nullptr), Json(1ull << 40)}) {
    json["model"]["vocab"]["ab"] = id;
    EXPECT_NE(error_of(json).message.find("the id of token ab"), std::string::npos);
  }
  Json moved = small();
  moved["added_tokens"][2]["id"] = 3u;
  EXPECT_NE(error_of(moved).message.find("in model.vocab it has id 2"), std::string::npos);
  Json nameless = small();
  nameless["added_tokens"][2].erase("content");
  EXPECT_NE(error_of(nameless).message.find("no content"), std::string::npos);
  Json empty = small();
  empty["added_tokens"].push_back({{"id", 263u}, {"content", ""}});
  EXPECT_NE(error_of(empty).message.find("no content"), std::string::npos);
  Json without_id = small();
  without_id["added_tokens"][0].erase("id");
  EXPECT_NE(error_of(without_id).message.find("no id"), std::string::npos);
}

TEST(TokenizerJson, Merges) {
  Json json = small();
  json["model"]["merges"] = Json::array({Json::array({"a", "x"})});
  EXPECT_EQ(error_of(json).message,
            "tokenizer.json: model.merges[0] needs the piece x, which is not in model.vocab: the "
            "file is damaged, fetch it again");
  json["model"]["merges"] = Json::array({Json::array({"b", "a"})});
  EXPECT_NE(error_of(json).message.find("the piece ba"), std::string::npos);
  for (const Json& merge : {Json("ab"), Json("a b c"), Json(3), Json{"a"}, Json{"a", 1}}) {
    json["model"]["merges"] = Json::array({merge});
    EXPECT_NE(error_of(json).message.find("model.merges[0] is neither"), std::string::npos);
  }
  json["model"].erase("merges");
  EXPECT_NE(error_of(json).message.find("model.merges"), std::string::npos);
}

TEST(TokenizerJson, ByteTokens) {
  Json json = small();
  json["model"]["vocab"].erase("<0x41>");
  json["model"]["vocab"]["A"] = 3u + 0x41u;
  EXPECT_NE(error_of(json).message.find("none for byte 65"), std::string::npos);
  Json nothing = small();
  nothing["model"]["byte_fallback"] = false;
  nothing["model"]["unk_token"] = nullptr;
  EXPECT_NE(error_of(nothing).message.find("neither byte tokens nor"), std::string::npos);
  Json unknown = small();
  unknown["model"]["unk_token"] = "<what>";
  EXPECT_NE(error_of(unknown).message.find("<what> is not in model.vocab"), std::string::npos);
}

// Each change makes a tokenizer that this build does not implement; the message names the part.
TEST(TokenizerJson, OtherPartsAreRefusedByName) {
  const struct {
    const char* pointer;
    Json value;
    const char* named;
  } cases[] = {
      {"/model/type", "Bigram", "Bigram"},
      {"/model/dropout", 0.1, "dropout"},
      {"/model/novelty", 1, "novelty"},
      {"/novelty", 1, "novelty"},
      {"/added_tokens/0/novelty", true, "novelty"},
      {"/normalizer", {{"type", "NFX"}}, "NFX"},
      {"/normalizer/normalizers/1/type", "Uppercase", "Uppercase"},
      {"/normalizer/normalizers/1", {{"type", "Sequence"}}, "Sequence within"},
      {"/normalizer/normalizers/1/novelty", 1, "novelty"},
      {"/pre_tokenizer", {{"type", "UnicodeScripts"}}, "UnicodeScripts"},
      {"/pre_tokenizer",
       {{"type", "Metaspace"}, {"prepend_scheme", "last"}},
       "prepend_scheme last"},
      {"/pre_tokenizer", {{"type", "Punctuation"}, {"behavior", "Odd"}}, "behavior Odd"},
      {"/post_processor", {{"type", "OtherProcessing"}}, "OtherProcessing"},
      {"/post_processor/single/0", {{"Sequence", {{"id", "A"}}}}, "twice"},
      {"/post_processor/single", Json::array(), "without its text"},
      {"/decoder", {{"type", "CTC"}}, "CTC"},
      {"/decoder/decoders/2/type", "ByteFallback", "between ByteFallback and Fuse"},
  };
  for (const auto& change : cases) {
    Json json = small();
    json[Json::json_pointer(change.pointer)] = change.value;
    const Error error = error_of(json);
    EXPECT_EQ(error.code, ErrorCode::kUnsupported) << change.pointer << ": " << error.message;
    EXPECT_NE(error.message.find(change.named), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("not in this build yet"), std::string::npos) << error.message;
  }
}

TEST(TokenizerJson, PatternsThatCannotBeCompiled) {
  const auto with = [](const char* pattern) {
    Json json = small();
    json["pre_tokenizer"] = {
        {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}};
    return error_of(json);
  };
  EXPECT_EQ(with("a(b").message,
            "tokenizer.json: pre_tokenizer: the pattern a(b cannot be compiled, at byte 3: missing "
            "closing parenthesis");
  EXPECT_NE(with("[a").message.find("ends within a class"), std::string::npos);
  EXPECT_NE(with("[a[^b]]").message.find("[^...] within a class"), std::string::npos);
}

TEST(TokenizerJson, DamagedParts) {
  const struct {
    const char* pointer;
    Json value;
  } cases[] = {
      {"/model", nullptr},
      {"/model", 3},
      {"/model/vocab", Json::array()},
      {"/model/byte_fallback", "yes"},
      {"/model/unk_token", 7},
      {"/added_tokens", 7},
      {"/decoder/decoders", 7},
      {"/post_processor/single", 7},
      {"/post_processor/single/0", 7},
      {"/post_processor/special_tokens", nullptr},
      {"/post_processor/special_tokens/<s>/ids", 1},
      {"/post_processor/special_tokens/<s>/ids/0", 9999u},
      {"/post_processor/special_tokens/<s>/ids/0", -1},
      {"/normalizer/normalizers", 7},
      {"/normalizer/normalizers/1/pattern", 7},
      {"/normalizer/normalizers/1/pattern", {{"Odd", " "}}},
      {"/pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "ab"}}},
      {"/decoder/decoders/3/start", -2},
      {"/decoder/decoders/3/content", "xy"},
  };
  for (const auto& change : cases) {
    Json json = small();
    json[Json::json_pointer(change.pointer)] = change.value;
    const Error error = error_of(json);
    EXPECT_EQ(error.code, ErrorCode::kInvalid) << change.pointer << ": " << error.message;
    EXPECT_EQ(error.message.find('\n'), std::string::npos);
  }
  EXPECT_EQ(error_of(Json("text")).message, "tokenizer.json: not a JSON object");
}

}  // namespace
}  // namespace kilotoken
