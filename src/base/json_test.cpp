#include "base/json.h"

#include <gtest/gtest.h>

#include <string>

namespace kilotoken {
namespace {

std::string refusal(std::string_view text, JsonLimits limits = {}) {
  const Result<Json> parsed = parse_json(text, "request body", limits);
  return parsed.ok() ? "accepted: " + parsed.value().dump() : parsed.error().message;
}

TEST(Json, BuildsTheValueThatWasWritten) {
  const Result<Json> parsed =
      parse_json(R"({"a":[1,-2,3.5,"x\u00e9",true,null,{}],"b":{"c":[]},"d":"😀"} )", "here");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Json& json = *parsed;
  EXPECT_EQ(json.dump(), R"({"a":[1,-2,3.5,"xé",true,null,{}],"b":{"c":[]},"d":"😀"})");
  EXPECT_TRUE(json["a"][0].is_number_unsigned());
  EXPECT_EQ(parse_json("17", "here").value(), Json(17));
}

TEST(Json, KeepsManySiblingsOfNestedContainers) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += R"({"k":[{"x":)" + std::to_string(i) + "}]},";
  text.back() = ']';
  const Result<Json> parsed = parse_json(text, "here");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->dump(), text);
}

TEST(Json, RefusesADuplicateKeyAndNamesItsPlace) {
  EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})"),
            R"(request body: not valid JSON at byte 15: the key "a" occurs twice)");
  EXPECT_EQ(refusal(R"({"a":{"a":1},"b":{"a":1}})"), R"(accepted: {"a":{"a":1},"b":{"a":1}})");
}

TEST(Json, OrderIsKeptWhereItIsAskedFor) {
  const std::string text = R"({"z":1,"a":{"y":[],"b":{}},"m":null})";
  const Result<OrderedJson> parsed = parse_ordered_json(text, "here");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->dump(), text);
  EXPECT_EQ(parse_ordered_json(R"({"a":1,"b":2,"a":3})", "here").error().message,
            R"(here: not valid JSON at byte 15: the key "a" occurs twice)");
  EXPECT_EQ(parse_ordered_json("[[]]", "here", {1}).error().message,
            "here: not valid JSON at byte 1: nested deeper than 1 levels");
}

// Quadratic time in keys, or copying each level with the one around it, would take minutes.
TEST(Json, OrderTakesNoMoreThanLinearTime) {
  std::string wide = "{";
  for (int i = 0; i < 200'000; ++i) wide += "\"" + std::to_string(i) + "\":0,";
  wide.back() = '}';
  ASSERT_TRUE(parse_ordered_json(wide, "here").ok());
  std::string nested = wide;
  for (int i = 0; i < 100; ++i) nested = "{\"a\":" + nested + R"(,"b":1,"c":2,"d":3})";
  const Result<OrderedJson> parsed = parse_ordered_json(nested, "here");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->dump(), nested);
}

TEST(Json, RefusesDeepNesting) {
  EXPECT_EQ(refusal("[[[]]]", {3}), "accepted: [[[]]]");
  EXPECT_EQ(refusal(R"([{"a":[[]]}])", {3}),
            "request body: not valid JSON at byte 7: nested deeper than 3 levels");
  const std::string bomb(1'000'000, '[');
  EXPECT_EQ(refusal(bomb),
            "request body: not valid JSON at byte 128: nested deeper than 128 levels");
}

TEST(Json, RefusesBrokenUtf8) {
  const std::string message = refusal("{\"a\":\"x\xff\"}");
  EXPECT_TRUE(message.starts_with("request body: not valid JSON at byte 7: ")) << message;
  EXPECT_NE(message.find("ill-formed UTF-8"), std::string::npos) << message;
  EXPECT_EQ(message.find('\xff'), std::string::npos) << "the message itself must be valid text";
  EXPECT_TRUE(refusal("\"\xed\xa0\x80\"").starts_with("request body: not valid JSON at byte 2"));
}

TEST(Json, RefusesWhatIsNotOneWholeValue) {
  EXPECT_TRUE(refusal("{} x").starts_with("request body: not valid JSON at byte 3: "));
  EXPECT_TRUE(refusal("{\"a\":").starts_with("request body: not valid JSON at byte 5: "));
  EXPECT_TRUE(refusal("").starts_with("request body: not valid JSON at byte 0: "));
  EXPECT_TRUE(refusal("nul").starts_with("request body: not valid JSON at byte "));
  EXPECT_TRUE(refusal("[1,]").starts_with("request body: not valid JSON at byte 3: "));
  EXPECT_TRUE(refusal("NaN").starts_with("request body: not valid JSON at byte 0: "));
  EXPECT_TRUE(refusal("[1e999]").starts_with("request body: not valid JSON at byte "));
  EXPECT_TRUE(
      refusal(std::string("[1]\0", 4)).starts_with("request body: not valid JSON at byte 3"));
}

TEST(Json, MessagesAreOneLine) {
  for (const char* text : {"{\n\n\"a\"\n!", "\"\n\"", "[\x01]"}) {
    EXPECT_EQ(refusal(text).find('\n'), std::string::npos) << refusal(text);
  }
}

}  // namespace
}  // namespace kilotoken
