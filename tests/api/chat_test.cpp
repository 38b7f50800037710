// What chat completions contain: messages, streams, logprobs, templates, usage.

#include <gtest/gtest.h>

#include <map>

#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

class Chat : public SharedServed {
 protected:
  static json greedy(const json& more = json::object()) {
    json body = {{"model", "demo"},
                 {"messages", {{{"role", "user"}, {"content", "Tell me a story about a fox."}}}},
                 {"max_tokens", 24},
                 {"ignore_eos", true},
                 {"temperature", 0}};
    body.update(more);
    return body;
  }
  static json answer_to(const json& body) {
    const Answer answer = chat(served_->port(), body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  static std::string text_of(const json& body) {
    return answer_to(body)["choices"][0]["message"]["content"];
  }
  static std::vector<json> chunks_of(json body) {
    body["stream"] = true;
    const Answer answer = chat(served_->port(), body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.header("content-type"), "text/event-stream");
    std::vector<json> chunks;
    std::vector<std::string> data = events(answer.body);
    EXPECT_FALSE(data.empty()) << answer.body;
    if (data.empty()) return {};
    EXPECT_EQ(data.back(), "[DONE]");
    data.pop_back();
    for (const std::string& each : data) chunks.push_back(json::parse(each));
    return chunks;
  }
  static std::string pieces_of(const std::vector<json>& chunks, int index = 0) {
    std::string text;
    for (const json& chunk : chunks) {
      for (const json& choice : chunk["choices"]) {
        if (choice["index"] == index) text += choice["delta"].value("content", "");
      }
    }
    return text;
  }
};

TEST_F(Chat, ItsTokensEndWithTheBeginningOfAnAnswerOrWithout) {
  const auto strings_of = [&](bool begun) {
    const json body = {{"messages", {{{"role", "user"}, {"content", "Hello!"}}}},
                       {"add_generation_prompt", begun},
                       {"return_token_strs", true}};
    const json answer = post_json(served_->port(), "/tokenize", body).json();
    EXPECT_EQ(answer["count"], answer["tokens"].size());
    return answer["token_strs"].get<std::vector<std::string>>();
  };
  const auto whole = strings_of(true), without = strings_of(false);
  ASSERT_LT(without.size(), whole.size());
  EXPECT_TRUE(std::equal(without.begin(), without.end(), whole.begin()));
  EXPECT_EQ(whole[without.size()], "<|im_start|>");
  EXPECT_EQ(whole.back(), "\n");
}

TEST_F(Chat, ThePromptIsWhatTheTemplateWrites) {
  const json answer = answer_to(greedy({{"return_token_ids", true}}));
  const auto ids = served_->model().tokenizer()->encode(
      "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n<|im_start|>assistant\n", false);
  EXPECT_EQ(answer["prompt_token_ids"], json(ids.value()));
  EXPECT_EQ(answer["usage"]["prompt_tokens"], ids->size());
  EXPECT_EQ(answer["choices"][0]["token_ids"].size(), 24u);
  EXPECT_EQ(answer["choices"][0]["message"]["role"], "assistant");
  EXPECT_TRUE(answer["choices"][0]["message"]["refusal"].is_null());
}

TEST_F(Chat, AStreamSpellsTheSameMessageAsAWholeAnswer) {
  const json whole = answer_to(greedy());
  const std::vector<json> chunks =
      chunks_of(greedy({{"stream_options", {{"include_usage", true}}}}));
  ASSERT_GT(chunks.size(), 4u);
  EXPECT_EQ(chunks.front()["choices"][0]["delta"], json({{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(pieces_of(chunks), whole["choices"][0]["message"]["content"]);
  EXPECT_EQ(chunks.back()["choices"], json::array());
  EXPECT_EQ(chunks.back()["usage"], whole["usage"]);
  const size_t last = chunks.size() - 2;
  EXPECT_EQ(chunks[last]["choices"][0]["delta"], json::object());
  for (size_t i = 0; i < chunks.size(); ++i) {
    const json& chunk = chunks[i];
    EXPECT_TRUE(chunk["id"].get<std::string>().starts_with("chatcmpl-"));
    EXPECT_EQ(chunk["id"], chunks[0]["id"]);
    EXPECT_EQ(chunk["created"], chunks[0]["created"]);
    EXPECT_EQ(chunk["model"], "demo");
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    if (i > last) continue;
    EXPECT_TRUE(chunk.contains("usage") && chunk["usage"].is_null());
    const json& choice = chunk["choices"][0];
    EXPECT_EQ(choice.at("finish_reason"), i == last ? json("length") : json());
    EXPECT_EQ(choice["delta"].contains("role"), i == 0);
  }
}

TEST_F(Chat, ContinuousUsageCountsTheTokensSoFar) {
  const std::vector<json> chunks = chunks_of(
      greedy({{"max_tokens", 3},
              {"stream_options", {{"include_usage", true}, {"continuous_usage_stats", true}}}}));
  std::vector<int> counts;
  for (const json& chunk : chunks) counts.push_back(chunk["usage"]["completion_tokens"]);
  // The role, three tokens, the end, the sum.
  EXPECT_EQ(counts, (std::vector<int>{0, 1, 2, 3, 3, 3}));
}

TEST_F(Chat, EveryChoiceIsOpenedAndEnded) {
  const json body = greedy({{"n", 3}, {"temperature", 1.5}, {"seed", 11}});
  const json whole = answer_to(body);
  const std::vector<json> chunks = chunks_of(body);
  std::map<int, int> roles, ends;
  for (const json& chunk : chunks) {
    ASSERT_EQ(chunk["choices"].size(), 1u);
    EXPECT_FALSE(chunk.contains("usage"));
    const json& choice = chunk["choices"][0];
    roles[choice["index"]] += choice["delta"].contains("role");
    ends[choice["index"]] += !choice["finish_reason"].is_null();
  }
  ASSERT_EQ(whole["choices"].size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(roles[i], 1);
    EXPECT_EQ(ends[i], 1);
    EXPECT_EQ(pieces_of(chunks, i), whole["choices"][i]["message"]["content"]);
  }
}

TEST_F(Chat, LogprobsListTheirTokens) {
  const json body = greedy({{"logprobs", true}, {"top_logprobs", 2}, {"max_tokens", 12}});
  const json choice = answer_to(body)["choices"][0];
  const json& content = choice["logprobs"]["content"];
  ASSERT_EQ(content.size(), 12u);
  std::string text, bytes;
  for (const json& entry : content) {
    text += entry["token"];
    for (const json& byte : entry["bytes"]) bytes += static_cast<char>(byte.get<int>());
    ASSERT_EQ(entry["top_logprobs"].size(), 2u);
    EXPECT_EQ(entry["top_logprobs"][0]["token"], entry["token"]) << "greedy";
    EXPECT_EQ(entry["top_logprobs"][0]["logprob"], entry["logprob"]);
    EXPECT_LE(entry["top_logprobs"][1]["logprob"], entry["logprob"]);
    EXPECT_TRUE(entry["top_logprobs"][1]["bytes"].is_array());
  }
  EXPECT_EQ(text, choice["message"]["content"]) << "all of it is ASCII";
  EXPECT_EQ(bytes, text);
  json streamed = json::array();
  for (const json& chunk : chunks_of(body)) {
    const json& logprobs = chunk["choices"][0]["logprobs"];
    if (logprobs.is_null()) continue;
    for (const json& entry : logprobs["content"]) streamed.push_back(entry);
  }
  EXPECT_EQ(streamed, content);
  EXPECT_EQ(answer_to(greedy(
                {{"logprobs", true}}))["choices"][0]["logprobs"]["content"][0]["top_logprobs"],
            json::array());
}

TEST_F(Chat, AStopStringEndsTheMessageBeforeIt) {
  const std::string text = text_of(greedy());
  const std::string stop = text.substr(10, 4);
  const json choice = answer_to(greedy({{"stop", {"never seen", stop}}}))["choices"][0];
  EXPECT_EQ(choice["message"]["content"], text.substr(0, text.find(stop)));
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_EQ(choice["stop_reason"], stop);
  EXPECT_EQ(pieces_of(chunks_of(greedy({{"stop", stop}}))), text.substr(0, text.find(stop)));
}

TEST_F(Chat, PartsAreJoinedAndSystemMessagesAreRendered) {
  const json whole = {{{"role", "system"}, {"content", "You tell little stories."}},
                      {{"role", "user"}, {"content", "Hello!\nHi!"}}};
  const json parts = {
      {{"role", "system"}, {"content", {{{"type", "text"}, {"text", "You tell little stories."}}}}},
      {{"role", "user"},
       {"content", {{{"type", "text"}, {"text", "Hello!"}}, {{"type", "text"}, {"text", "Hi!"}}}}}};
  const json more = {{"return_token_ids", true}};
  json first = greedy(more), second = greedy(more);
  first["messages"] = whole;
  second["messages"] = parts;
  EXPECT_EQ(answer_to(first)["prompt_token_ids"], answer_to(second)["prompt_token_ids"]);
}

TEST_F(Chat, AnAnswerMayContinueTheLastMessage) {
  json body = greedy({{"add_generation_prompt", false},
                      {"continue_final_message", true},
                      {"return_token_ids", true}});
  body["messages"].push_back({{"role", "assistant"}, {"content", "Once upon a time"}});
  const json answer = answer_to(body);
  const auto ids = served_->model().tokenizer()->encode(
      "<|im_start|>user\nTell me a story about a fox.<|im_end|>\n"
      "<|im_start|>assistant\nOnce upon a time",
      false);
  EXPECT_EQ(answer["prompt_token_ids"], json(ids.value()));
  const std::string continued = answer["choices"][0]["message"]["content"];
  body["echo"] = true;
  EXPECT_EQ(text_of(body), "Once upon a time" + continued);
  EXPECT_EQ(pieces_of(chunks_of(body)), "Once upon a time" + continued);
}

TEST_F(Chat, TheContextBoundsWhatIsGeneratedByDefault) {
  json body = greedy({{"max_tokens", nullptr}});
  const json usage = answer_to(body)["usage"];
  EXPECT_EQ(usage["total_tokens"], 256);
  body["max_tokens"] = 3;
  body["max_completion_tokens"] = 5;
  EXPECT_EQ(answer_to(body)["usage"]["completion_tokens"], 5);
}

TEST_F(Chat, TenThousandMessagesAreAnswered) {
  json body = greedy();
  body["messages"] = json::array();
  for (int i = 0; i < 10'000; ++i) {
    body["messages"].push_back({{"role", i % 2 ? "assistant" : "user"}, {"content", "Hi!"}});
  }
  const Answer answer = chat(served_->port(), body);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json()["error"]["code"], "context_length_exceeded") << answer.body;
}

constexpr const char* kPrintAll =
    "{%- for m in messages %}{{ m | tojson }}\n{% endfor %}"
    "{{ documents | tojson if documents else '' }}{{ mood }}{{ bos_token }}";

// `body` as text: the order of its keys reaches the template.
std::string echo_of_prompt(Served& served, const std::string& body) {
  const Answer answer = ask(served.port(), request_text("POST", "/v1/chat/completions", body,
                                                        "Content-Type: application/json\r\n"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  if (answer.status != 200) return {};
  const std::vector<int32_t> ids = answer.json()["prompt_token_ids"];
  return served.model().tokenizer()->decode(ids, false);
}

TEST(ChatTemplates, TheTemplateOfTheOperatorSeesWhatWasSent) {
  Served served({.max_model_len = 1024, .chat_template = kPrintAll});
  const std::string body = R"({"max_tokens": 1, "return_token_ids": true,
    "chat_template_kwargs": {"mood": "glad"}, "documents": [{"title": "a"}], "messages": [
    {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
      "function": {"name": "f", "arguments": "{\"z\": 1, \"a\": []}"}}], "audio": null},
    {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "x"}]}]})";
  EXPECT_EQ(echo_of_prompt(served, body),
            "{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"id\": \"call_1\", "
            "\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": {\"z\": 1, "
            "\"a\": []}}}]}\n{\"role\": \"tool\", \"content\": \"x\", \"tool_call_id\": "
            "\"call_1\"}\n[{\"title\": \"a\"}]glad<s>");
}

TEST(ChatTemplates, ContentIsAListWhereTheTemplateOrTheOperatorWantsOne) {
  const json body = {{"max_tokens", 1},
                     {"return_token_ids", true},
                     {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  const std::string parts =
      "{%- for m in messages %}{% for p in m['content'] %}{{ p['text'] }}!"
      "{% endfor %}{% endfor %}";
  Served wants({.chat_template = parts});
  EXPECT_EQ(echo_of_prompt(wants, body.dump()), "hi!");
  ChatConfig forced;
  forced.content_shape = ContentShape::kParts;
  Served told({.chat = forced, .chat_template = "{{ messages[0].content | tojson }}"});
  EXPECT_EQ(echo_of_prompt(told, body.dump()), R"([{"type": "text", "text": "hi"}])");
  forced.content_shape = ContentShape::kText;
  Served text({.chat = forced, .chat_template = parts + "{{ messages[0].content }}"});
  EXPECT_EQ(echo_of_prompt(text, body.dump()), "!!hi") << "characters have no text";
}

TEST(ChatTemplates, ARequestsOwnTemplateNeedsTheOperatorsTrust) {
  const json body = {{"max_tokens", 1},
                     {"return_token_ids", true},
                     {"chat_template", "{{ messages[0].content }}."},
                     {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  ChatConfig trusting;
  trusting.trust_request_template = true;
  trusting.response_role = "narrator";
  Served served({.chat = trusting});
  EXPECT_EQ(echo_of_prompt(served, body.dump()), "hi.");
  EXPECT_EQ(chat(served.port(), body).json()["choices"][0]["message"]["role"], "narrator");
  json broken = body;
  broken["chat_template"] = "{% for %}";
  EXPECT_EQ(chat(served.port(), broken).status, 400);
  json endless = body;
  endless["chat_template"] =
      "{% for a in range(100000000) %}{% for b in range(100000000) %}"
      "{{ a }}{% endfor %}{% endfor %}";
  const Answer stopped = chat(served.port(), endless);
  EXPECT_EQ(stopped.status, 400);
  EXPECT_EQ(stopped.json()["error"]["type"], "invalid_request_error");
}

TEST(ChatTemplates, WhatATemplateRaisesIsTheErrorsMessage) {
  Served served({.chat_template = "{{ raise_exception('only users may speak') }}"});
  const Answer answer =
      chat(served.port(), {{"messages", {{{"role", "system"}, {"content", "a"}}}}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.json()["error"]["message"].get<std::string>().find("only users may speak"),
            std::string::npos)
      << answer.body;
}

TEST(ChatTemplates, TheTokenThatBeginsATextIsNotDoubled) {
  Served served({.chat_template = "{{ bos_token }}{{ messages[0].content }}"});
  json body = {{"max_tokens", 1},
               {"return_token_ids", true},
               {"messages", {{{"role", "user"}, {"content", "hi"}}}}};
  const json plain = chat(served.port(), body).json()["prompt_token_ids"];
  body["add_special_tokens"] = true;
  EXPECT_EQ(chat(served.port(), body).json()["prompt_token_ids"], plain);
  ASSERT_GT(plain.size(), 1u);
  EXPECT_EQ(plain[0], 1);
  EXPECT_NE(plain[1], 1);
}

}  // namespace
}  // namespace kilotoken::test
