// The fast reading of events against what they hold.

#include "measure/bench/stream_event.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace kilotoken::bench {
namespace {

StreamEvent parsed(std::string_view json) {
  StreamEvent event;
  EXPECT_TRUE(parse_stream_event(json, event)) << json;
  return event;
}

TEST(StreamEvent, ReadsChatChunks) {
  const StreamEvent event = parsed(R"({"id":"c-1","object":"x","choices":[{"index":0,)"
                                   R"("delta":{"role":"assistant","content":"a \"b\""},)"
                                   R"("logprobs":null,"finish_reason":"stop"}],)"
                                   R"("usage":{"prompt_tokens":7,"completion_tokens":3,)"
                                   R"("prompt_tokens_details":{"cached_tokens":5}}})");
  EXPECT_EQ(event.text, R"(a \"b\")");
  EXPECT_EQ(event.finish_reason, "stop");
  EXPECT_EQ(event.choices, 1);
  EXPECT_EQ(event.prompt_tokens, 7);
  EXPECT_EQ(event.completion_tokens, 3);
  EXPECT_EQ(event.cached_tokens, 5);
  EXPECT_EQ(event.id, "c-1");
  EXPECT_TRUE(event.carries_text());
}

TEST(StreamEvent, RoleAloneAndEmptyTextCarryNothing) {
  EXPECT_FALSE(
      parsed(R"({"choices":[{"delta":{"role":"assistant","content":""}}]})").carries_text());
  EXPECT_FALSE(
      parsed(R"({"choices":[{"delta":{"content":null,"tool_calls":[]}}]})").carries_text());
  EXPECT_FALSE(parsed(R"({"choices":[],"usage":null})").carries_text());
}

TEST(StreamEvent, EveryChannelCounts) {
  EXPECT_TRUE(parsed(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})").carries_text());
  EXPECT_TRUE(parsed(R"({"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})").carries_text());
  EXPECT_EQ(parsed(R"({"choices":[{"text":"x","token_ids":[1,2,3]}]})").token_ids, 3);
}

TEST(StreamEvent, KeepsErrorsAndTimings) {
  const StreamEvent event = parsed(R"({"error":{"message":"no"},"timings":{"queue_ms":1.5}})");
  EXPECT_EQ(event.error, R"({"message":"no"})");
  EXPECT_EQ(event.timings, R"({"queue_ms":1.5})");
  EXPECT_TRUE(parsed(R"({"error":null})").error.empty());
}

TEST(StreamEvent, RefusesWhatIsNotOneObject) {
  for (const char* bad : {"", "[1]", "x", "{", R"({"a":})", R"({"a":1}})", R"({"a":1,})",
                          R"({"a":tru})", "{\"a\":\"\n\"}", R"({"choices":[{"text":"cut)"}) {
    StreamEvent event;
    EXPECT_FALSE(parse_stream_event(bad, event)) << bad;
  }
  StreamEvent event;
  EXPECT_FALSE(parse_stream_event("{\"a\":" + std::string(100'000, '[') + "}", event));
}

TEST(StreamEvent, UnescapesAsAJsonParserDoes) {
  for (const std::string raw : {R"(plain)", R"(a\n\t\"\\\/)", R"(\u00e9\u4f60\ud83d\ude00!)"}) {
    std::string text;
    append_unescaped(raw, text);
    EXPECT_EQ(text, Json::parse("\"" + raw + "\"").get<std::string>());
  }
  std::string text;
  append_unescaped(R"(\ud83dx)", text);  // half a pair
  EXPECT_EQ(text, "\xEF\xBF\xBDx");
}

}  // namespace
}  // namespace kilotoken::bench
