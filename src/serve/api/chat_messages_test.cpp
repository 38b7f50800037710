// Messages from clients to templates.

#include "serve/api/chat_messages.h"

#include <gtest/gtest.h>

namespace kilotoken {
namespace {

std::string read(std::string_view text, bool join = false) {
  const OrderedJson value = parse_ordered_json(text, "messages").value();
  Result<OrderedJson> messages = read_messages(&value);
  if (!messages.ok()) return messages.error().field + ": " + messages.error().message;
  if (join) join_contents(*messages);
  return messages->dump();
}

TEST(ChatMessages, ContentBecomesParts) {
  EXPECT_EQ(read(R"([{"role":"user","content":"a"}])"),
            R"([{"role":"user","content":[{"type":"text","text":"a"}]}])");
  EXPECT_EQ(read(R"([{"content":["a",{"type":"input_text","text":"b","x":1}],"role":"user"}])"),
            R"([{"role":"user","content":[{"type":"text","text":"a"},)"
            R"({"type":"text","text":"b"}]}])");
  EXPECT_EQ(read(R"([{"role":"user","content":null},{"role":"assistant"}])"),
            R"([{"role":"user","content":[]},{"role":"assistant","content":[]}])");
}

TEST(ChatMessages, PartsAreJoinedByLineBreaks) {
  EXPECT_EQ(read(R"([{"role":"user","content":["a","b"]}])", true),
            R"([{"role":"user","content":"a\nb"}])");
  EXPECT_EQ(read(R"([{"role":"user","content":[]}])", true), R"([{"role":"user","content":""}])");
}

TEST(ChatMessages, OtherKeysAreKeptInOrderAndNullsLeftOut) {
  EXPECT_EQ(
      read(R"([{"z":1,"role":"user","name":"Ann","audio":null,"content":"a","b":{"d":null}}])",
           true),
      R"([{"role":"user","content":"a","z":1,"name":"Ann","b":{"d":null}}])");
}

TEST(ChatMessages, ReasoningIsGivenUnderBothNames) {
  EXPECT_EQ(read(R"([{"role":"assistant","content":"a","reasoning":"b"}])", true),
            R"([{"role":"assistant","content":"a","reasoning":"b","reasoning_content":"b"}])");
  EXPECT_EQ(
      read(R"([{"role":"assistant","content":"a","reasoning":"b","reasoning_content":"c"}])", true),
      R"([{"role":"assistant","content":"a","reasoning":"b","reasoning_content":"c"}])");
}

TEST(ChatMessages, ArgumentsOfToolCallsAreParsed) {
  const auto with = [](const std::string& arguments) {
    return R"([{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f")" + arguments +
           R"(}}]}])";
  };
  const auto parsed = [](const std::string& arguments) {
    return R"([{"role":"assistant","content":"","tool_calls":[{"id":"1","function":)"
           R"({"name":"f","arguments":)" +
           arguments + "}}]}]";
  };
  EXPECT_EQ(read(with(R"(,"arguments":"{\"b\":1,\"a\":2}")"), true), parsed(R"({"b":1,"a":2})"));
  EXPECT_EQ(read(with(R"(,"arguments":{"b":1})"), true), parsed(R"({"b":1})"));
  EXPECT_EQ(read(with(R"(,"arguments":"")"), true), parsed("{}"));
  EXPECT_EQ(read(with(""), true), parsed("{}"));
  EXPECT_EQ(read(R"([{"role":"assistant","content":"a","tool_calls":[]}])", true),
            R"([{"role":"assistant","content":"a"}])");
}

TEST(ChatMessages, ErrorsNameThePlace) {
  EXPECT_EQ(read(R"([{"role":"assistant","tool_calls":[{"function":{"arguments":5}}]}])"),
            "messages[0].tool_calls[0].function.arguments: "
            "messages[0].tool_calls[0].function.arguments must be a string of JSON, not a number");
  EXPECT_EQ(read(R"([{"role":"assistant","tool_calls":[{}]}])"),
            "messages[0].tool_calls[0].function: messages[0].tool_calls[0].function is missing");
  EXPECT_EQ(read(R"([{"role":"user","content":"a"},{"role":"user","content":[{"text":"a"}]}])"),
            "messages[1].content[0].type: messages[1].content[0].type is missing");
  EXPECT_EQ(read(R"([{"role":"","content":"a"}])"),
            "messages[0].role: messages[0].role must not be empty");
}

// A search for each key would take minutes.
TEST(ChatMessages, AMessageOfManyKeysIsReadInLinearTime) {
  std::string text = R"([{"role":"user","content":"a")";
  for (int i = 0; i < 200'000; ++i) text += ",\"" + std::to_string(i) + "\":0";
  EXPECT_EQ(read(text + "}]", true), text + "}]");
}

}  // namespace
}  // namespace kilotoken
