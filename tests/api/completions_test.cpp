// What completions contain: text, streams, logprobs, echo, usage.

#include <gtest/gtest.h>

#include <map>

#include "api/served.h"
#include "serve/api/token_output.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

class Completions : public SharedServed {
 protected:
  static json greedy(const json& more = json::object()) {
    json body = {{"model", "demo"},
                 {"prompt", "Once upon a time"},
                 {"max_tokens", 24},
                 {"ignore_eos", true},
                 {"temperature", 0}};
    body.update(more);
    return body;
  }
  static json answer_to(const json& body) {
    const Answer answer = complete(served_->port(), body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  static std::string text_of(const json& body) { return answer_to(body)["choices"][0]["text"]; }
};

TEST_F(Completions, AStreamSpellsTheSameTextAsAWholeAnswer) {
  const json whole = answer_to(greedy());
  const std::string text = whole["choices"][0]["text"];
  ASSERT_FALSE(text.empty());
  const Answer stream = complete(
      served_->port(), greedy({{"stream", true}, {"stream_options", {{"include_usage", true}}}}));
  EXPECT_EQ(stream.header("content-type"), "text/event-stream");
  std::vector<std::string> data = events(stream.body);
  ASSERT_GT(data.size(), 3u) << stream.body;
  EXPECT_EQ(data.back(), "[DONE]");
  data.pop_back();
  const json last = json::parse(data.back());
  EXPECT_EQ(last["choices"], json::array());
  EXPECT_EQ(last["usage"], whole["usage"]);
  data.pop_back();
  std::string pieces;
  for (size_t i = 0; i < data.size(); ++i) {
    const json chunk = json::parse(data[i]);
    EXPECT_EQ(chunk["id"], last["id"]);
    EXPECT_EQ(chunk["created"], last["created"]);
    EXPECT_EQ(chunk["object"], "text_completion");
    EXPECT_TRUE(chunk.contains("usage") && chunk["usage"].is_null());
    const json reason = chunk["choices"][0]["finish_reason"];
    EXPECT_EQ(reason, i + 1 == data.size() ? json("length") : json());
    pieces += chunk["choices"][0]["text"];
  }
  EXPECT_EQ(pieces, text);
}

TEST_F(Completions, TimingsComeWhenAskedFor) {
  EXPECT_FALSE(answer_to(greedy()).contains("timings"));
  const json whole = answer_to(greedy({{"include_timings", true}}));
  const Answer stream =
      complete(served_->port(), greedy({{"stream", true}, {"include_timings", true}}));
  const std::vector<std::string> data = events(stream.body);
  ASSERT_GT(data.size(), 2u);
  const json last = json::parse(data[data.size() - 2]);
  EXPECT_EQ(last.at("choices"), json::array());
  for (const json& answer : {whole, last}) {
    const json& timings = answer.at("timings");
    for (const char* part : {"tokenize_ms", "queue_ms", "prefill_ms", "preempted_ms"}) {
      EXPECT_GE(timings.at(part).get<double>(), 0) << part;
    }
    EXPECT_GT(timings.at("decode_ms").get<double>(), 0);
    EXPECT_EQ(timings.at("preemptions"), 0);
  }
  // No token is sampled: there is no decoding.
  const json scored =
      answer_to(greedy({{"include_timings", true}, {"max_tokens", 0}, {"echo", true}}));
  EXPECT_TRUE(scored.at("timings").at("decode_ms").is_null());
}

TEST_F(Completions, UsageIsSentOnlyWhenAskedFor) {
  for (const json& options : {json(), json(json::object())}) {
    const Answer plain =
        complete(served_->port(), greedy({{"stream", true}, {"stream_options", options}}));
    const std::vector<std::string> data = events(plain.body);
    ASSERT_FALSE(data.empty());
    for (size_t i = 0; i + 1 < data.size(); ++i) {
      const json chunk = json::parse(data[i]);
      EXPECT_FALSE(chunk.contains("usage"));
      EXPECT_EQ(chunk["choices"].size(), 1u);
    }
  }
}

TEST_F(Completions, ContinuousUsageCountsTheTokensSoFar) {
  const Answer stream = complete(
      served_->port(),
      greedy({{"stream", true},
              {"max_tokens", 5},
              {"stream_options", {{"include_usage", true}, {"continuous_usage_stats", true}}}}));
  const std::vector<std::string> data = events(stream.body);
  ASSERT_EQ(data.size(), 7u) << stream.body;  // five tokens, the usage, [DONE]
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(json::parse(data[i])["usage"]["completion_tokens"], i + 1);
  }
}

TEST_F(Completions, APromptSeenBeforeIsCountedAsCached) {
  std::vector<int> prompt(150, 20);
  prompt[3] = 21;  // no other test has it
  const json first = answer_to(greedy({{"prompt", prompt}}));
  EXPECT_EQ(first["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
  const json second = answer_to(greedy({{"prompt", prompt}}));
  EXPECT_EQ(second["usage"]["prompt_tokens_details"]["cached_tokens"], 128);
  EXPECT_EQ(second["usage"]["prompt_tokens"], 150);
  EXPECT_EQ(second["choices"], first["choices"]);
}

TEST_F(Completions, ASaltKeepsCachedPromptsApart) {
  std::vector<int> prompt(150, 20);
  prompt[3] = 22;  // no other test has it
  const auto cached = [&](const json& more) {
    json body = greedy({{"prompt", prompt}});
    body.update(more);
    return answer_to(body)["usage"]["prompt_tokens_details"]["cached_tokens"];
  };
  EXPECT_EQ(cached(json::object()), 0);
  EXPECT_EQ(cached({{"cache_salt", "a"}}), 0);
  EXPECT_EQ(cached({{"cache_salt", "a"}}), 128);
  EXPECT_EQ(cached({{"cache_salt", "b"}}), 0);
}

TEST_F(Completions, AStopStringEndsTheTextBeforeIt) {
  const std::string text = text_of(greedy());
  const std::string stop = text.substr(10, 4);
  const size_t at = text.find(stop);
  json answer = answer_to(greedy({{"stop", json::array({"never seen", stop})}}));
  EXPECT_EQ(answer["choices"][0]["text"], text.substr(0, at));
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["choices"][0]["stop_reason"], stop);
  EXPECT_EQ(text_of(greedy({{"stop", stop}, {"include_stop_str_in_output", true}})),
            text.substr(0, at + stop.size()));
  const Answer stream = complete(served_->port(), greedy({{"stop", stop}, {"stream", true}}));
  std::string pieces;
  for (const std::string& data : events(stream.body)) {
    if (data != "[DONE]") pieces += json::parse(data)["choices"][0]["text"];
  }
  EXPECT_EQ(pieces, text.substr(0, at));
}

TEST_F(Completions, TheSameSeedGivesTheSameTextAndChoicesDiffer) {
  const json body = greedy({{"temperature", 1.5}, {"seed", 11}, {"n", 3}});
  const json first = answer_to(body), second = answer_to(body);
  EXPECT_EQ(first["choices"], second["choices"]);
  EXPECT_NE(first["choices"][0]["text"], first["choices"][1]["text"]);
  EXPECT_NE(text_of(greedy({{"temperature", 1.5}})), text_of(greedy({{"temperature", 1.5}})));
}

TEST_F(Completions, ListsOfPromptsAreAnsweredInOrder) {
  const json together =
      answer_to(greedy({{"prompt", {"The cat", "One day"}}, {"n", 2}, {"max_tokens", 8}}));
  ASSERT_EQ(together["choices"].size(), 4u);
  const std::string cat = text_of(greedy({{"prompt", "The cat"}, {"max_tokens", 8}}));
  const std::string day = text_of(greedy({{"prompt", "One day"}, {"max_tokens", 8}}));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(together["choices"][i]["index"], i);
    EXPECT_EQ(together["choices"][i]["text"], i < 2 ? cat : day);
  }
  EXPECT_EQ(together["usage"]["completion_tokens"], 32);
}

TEST_F(Completions, LogprobsHaveTheLegacyShape) {
  const json choice = answer_to(greedy({{"logprobs", 3}}))["choices"][0];
  const json& logprobs = choice["logprobs"];
  ASSERT_EQ(logprobs["tokens"].size(), 24u);
  ASSERT_EQ(logprobs["token_logprobs"].size(), 24u);
  ASSERT_EQ(logprobs["top_logprobs"].size(), 24u);
  std::string text;
  for (size_t i = 0; i < 24; ++i) {
    EXPECT_EQ(logprobs["text_offset"][i], text.size()) << "all of this text is ASCII";
    text += logprobs["tokens"][i];
    const json& top = logprobs["top_logprobs"][i];
    EXPECT_EQ(top.size(), 3u) << "greedy: the chosen token is among the likeliest";
    EXPECT_EQ(top[logprobs["tokens"][i].get<std::string>()], logprobs["token_logprobs"][i]);
    for (const auto& [token, logprob] : top.items()) {
      EXPECT_LE(logprob, logprobs["token_logprobs"][i]);
    }
  }
  EXPECT_EQ(choice["text"], text);
}

// As evaluation harnesses score a text: its tokens as the prompt, echoed with their logprobs.
TEST_F(Completions, AnEchoScoresThePrompt) {
  const json generated = answer_to(greedy({{"prompt", "Once upon a time"},
                                           {"logprobs", 0},
                                           {"return_token_ids", true},
                                           {"echo", true}}));
  const json& first = generated["choices"][0];
  const size_t prompt_tokens = generated["usage"]["prompt_tokens"];
  ASSERT_EQ(first["logprobs"]["tokens"].size(), prompt_tokens + 24);
  EXPECT_TRUE(first["logprobs"]["token_logprobs"][0].is_null());
  EXPECT_TRUE(first["logprobs"]["top_logprobs"][0].is_null());
  EXPECT_TRUE(first["text"].get<std::string>().starts_with("Once upon a time"));

  // What was generated, given as a prompt, must get the logprobs it was generated with.
  json ids = served_->model().tokenizer()->encode("Once upon a time", true).value();
  ASSERT_EQ(ids.size(), prompt_tokens);
  for (const json& id : first["token_ids"]) ids.push_back(id);
  const json scored = answer_to(
      {{"prompt", ids}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 0}})["choices"][0];
  ASSERT_EQ(scored["logprobs"]["token_logprobs"].size(), prompt_tokens + 24);
  for (size_t i = 1; i < prompt_tokens + 24; ++i) {
    EXPECT_EQ(scored["logprobs"]["token_logprobs"][i], first["logprobs"]["token_logprobs"][i]) << i;
  }
  EXPECT_EQ(scored["text"], first["text"]);
  EXPECT_EQ(scored["logprobs"]["tokens"], first["logprobs"]["tokens"]);
  EXPECT_EQ(scored["logprobs"]["text_offset"], first["logprobs"]["text_offset"]);

  // One token more does not change the scores of the prompt.
  const json one_more = answer_to(
      {{"prompt", ids}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 1}})["choices"][0];
  EXPECT_EQ(one_more["logprobs"]["token_logprobs"].size(), prompt_tokens + 25);
  EXPECT_EQ(one_more["logprobs"]["token_logprobs"][5], scored["logprobs"]["token_logprobs"][5]);
}

TEST_F(Completions, AnEchoIsStreamedFirst) {
  const Answer stream = complete(
      served_->port(),
      greedy({{"stream", true}, {"echo", true}, {"logprobs", 0}, {"max_tokens", 3}, {"n", 2}}));
  std::map<int, std::string> texts;
  std::map<int, json> tokens;
  for (const std::string& data : events(stream.body)) {
    if (data == "[DONE]") continue;
    const json choice = json::parse(data)["choices"][0];
    texts[choice["index"]] += choice["text"];
    if (choice["logprobs"].is_null()) continue;
    for (const json& token : choice["logprobs"]["tokens"]) tokens[choice["index"]].push_back(token);
  }
  const json whole =
      answer_to(greedy({{"echo", true}, {"logprobs", 0}, {"max_tokens", 3}}))["choices"][0];
  for (const int index : {0, 1}) {
    EXPECT_EQ(texts[index], whole["text"].get<std::string>());
    EXPECT_EQ(tokens[index], whole["logprobs"]["tokens"]);
  }
}

TEST_F(Completions, PromptLogprobsAreListedByPosition) {
  const json answer = answer_to({{"prompt", {1, 400, 401}},
                                 {"prompt_logprobs", 2},
                                 {"max_tokens", 1},
                                 {"logprobs", nullptr}});
  const json& list = answer["choices"][0]["prompt_logprobs"];
  ASSERT_EQ(list.size(), 3u);
  EXPECT_TRUE(list[0].is_null());
  ASSERT_TRUE(list[1].contains("400"));
  ASSERT_TRUE(list[2].contains("401"));
  EXPECT_GE(list[2]["401"]["rank"], 1);
  EXPECT_LT(list[2]["401"]["logprob"], 0);
  EXPECT_TRUE(list[2]["401"]["decoded_token"].is_string());
  EXPECT_GE(list[2].size(), 2u);
  EXPECT_LE(list[2].size(), 3u);
  EXPECT_TRUE(answer["choices"][0]["logprobs"].is_null());
}

// Logprobs are keyed by these, so no two tokens that differ in bytes may read the same.
TEST_F(Completions, EveryTokenHasATextOfItsOwn) {
  const Tokenizer* tokenizer = served_->model().tokenizer();
  std::map<std::string, std::string> bytes_by_text;
  int parts = 0;
  for (int id = 0; id < tokenizer->vocab_size(); ++id) {
    const std::string text = token_text(tokenizer, id, false);
    EXPECT_NO_THROW(json(text).dump()) << id;
    const std::string bytes(tokenizer->token_bytes(id));
    EXPECT_EQ(bytes_by_text.emplace(text, bytes).first->second, bytes) << id;
    parts += text.starts_with("bytes:\\x");
  }
  EXPECT_GE(parts, 128);  // the byte tokens above ASCII
  EXPECT_EQ(token_text(tokenizer, 5, true), "token_id:5");
  EXPECT_EQ(token_text(nullptr, 5, false), "token_id:5");
}

}  // namespace
}  // namespace kilotoken::test
