// Plans: what is drawn from files and seeds, what is scaled, and what is said of files that are
// wrong.

#include "measure/bench/datasets.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "measure/bench/workloads.h"

namespace kilotoken::bench {
namespace {

class Datasets : public testing::Test {
 protected:
  void SetUp() override {
    path_ =
        (std::filesystem::temp_directory_path() / ("kilotoken-data-" + std::to_string(::getpid())))
            .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }

  Result<Plan> plan(const std::string& name, const std::string& content) {
    std::ofstream(path_) << content;
    options_.name = name;
    options_.path = path_;
    return make_plan(options_, words_);
  }
  std::string error(const std::string& name, const std::string& content) {
    const auto result = plan(name, content);
    return result.ok() ? "" : result.error().message;
  }

  DataOptions options_;
  const Words words_{nullptr, 1};
  std::string path_;
};

std::string conversation(const std::string& ask, const std::string& answer) {
  return R"({"id":"a","conversations":[{"from":"human","value":")" + ask +
         R"("},{"from":"gpt","value":")" + answer + R"("}]})";
}

TEST_F(Datasets, ShareGptTakesTheFirstTurnAndTheAnswersLength) {
  options_.count = 1;
  const auto made =
      plan("sharegpt", "[" + conversation("one two three four five", "a b c d e f") + "]");
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Turn& turn = made->sessions[0].turns[0];
  EXPECT_EQ(turn.text, "one two three four five");
  EXPECT_EQ(turn.max_tokens, 6);
  EXPECT_EQ(made->data_sha256.size(), 64u);
}

TEST_F(Datasets, ShortFilesAreDrawnAgainAndThatIsSaid) {
  options_.count = 5;
  const std::string file = "[" + conversation("one two three four", "a b c d") + "]";
  EXPECT_EQ(plan("sharegpt", file)->sessions.size(), 5u);
  EXPECT_NE(plan("sharegpt", file)->notes.at(0).find("repeat"), std::string::npos);
  options_.oversample = false;
  EXPECT_EQ(plan("sharegpt", file)->sessions.size(), 1u);
}

TEST_F(Datasets, WhatIsWrongIsNamedWithItsLine) {
  const std::string good = conversation("one two three four", "a b c d");
  EXPECT_NE(error("sharegpt", "[\n" + good + ",\n{\"x\": 1}\n]").find("line 3: expected"),
            std::string::npos);
  EXPECT_NE(error("sharegpt", "[\n" + good + ",\n{\"x\": oops}\n]").find("line 3"),
            std::string::npos);
  EXPECT_NE(error("sharegpt", "[" + good).find("cut off"), std::string::npos);
  EXPECT_NE(error("sharegpt", "hello").find("line 1: expected a JSON list"), std::string::npos);
  EXPECT_NE(error("custom", "{\"prompt\":\"x\"}\n{\"text\":\"y\"}\n").find("line 2: expected"),
            std::string::npos);
  EXPECT_NE(error("azure", "a,b\n").find("line 1: expected the header"), std::string::npos);
  EXPECT_NE(error("azure", "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2\n")
                .find("line 2: expected a time"),
            std::string::npos);
  EXPECT_NE(error("mooncake", "{\"timestamp\": 1}\n").find("line 1: expected \"input_length\""),
            std::string::npos);
  EXPECT_NE(error("custom", "").find("holds nothing"), std::string::npos);
}

TEST_F(Datasets, TracesKeepTheirTimesAndSharedBlocks) {
  const auto azure = plan("azure",
                          "TIMESTAMP,ContextTokens,GeneratedTokens\n"
                          "2023-11-16 18:17:03.9799600,48,10\n2023-11-16 18:17:04.0319600,30,8\n");
  ASSERT_TRUE(azure.ok()) << azure.error().message;
  EXPECT_TRUE(azure->open_loop);
  EXPECT_EQ(azure->sessions[1].due_ns, 52'000'000);
  EXPECT_EQ(azure->sessions[1].turns[0].max_tokens, 8);
  options_.trace_speed = 2;
  const auto mooncake =
      plan("mooncake",
           "{\"timestamp\":0,\"input_length\":1024,\"output_length\":6,\"hash_ids\":[1,2]}\n"
           "{\"timestamp\":100,\"input_length\":1024,\"output_length\":6,\"hash_ids\":[1,3]}\n");
  ASSERT_TRUE(mooncake.ok()) << mooncake.error().message;
  EXPECT_EQ(mooncake->sessions[1].due_ns, 50'000'000);
  const std::string& a = mooncake->sessions[0].turns[0].text;
  const std::string& b = mooncake->sessions[1].turns[0].text;
  EXPECT_EQ(a.substr(0, a.size() / 3), b.substr(0, a.size() / 3));
  EXPECT_NE(a, b);
}

TEST_F(Datasets, RealTracesAreRead) {
  const char* data = std::getenv("KILOTOKEN_TEST_DATA");
  if (!data) GTEST_SKIP() << "KILOTOKEN_TEST_DATA is not set";
  options_.count = 200;
  options_.max_model_len = 2048;
  for (const auto& [name, file] : {std::pair("azure", "AzureLLMInferenceTrace_code.csv"),
                                   std::pair("mooncake", "mooncake_synthetic_trace.jsonl")}) {
    options_.name = name;
    options_.path = std::string(data) + "/traces/" + file;
    const auto made = make_plan(options_, words_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->sessions.size(), 200u);
    EXPECT_NE(made->notes.at(0).find("scaled"), std::string::npos);
    for (const Session& session : made->sessions) {
      EXPECT_LE(session.turns[0].input_tokens + session.turns[0].max_tokens, 2048);
    }
  }
}

TEST_F(Datasets, SaltChangesTheBeginningAndTheSeedTheRest) {
  options_.count = 3;
  options_.random_input_len = 40;
  options_.salt = 1;
  const Plan first = make_plan(options_, words_).value();
  EXPECT_EQ(schedule_sha256(make_plan(options_, words_).value()), schedule_sha256(first));
  options_.salt = 2;
  const Plan salted = make_plan(options_, words_).value();
  EXPECT_NE(salted.sessions[0].turns[0].text.substr(0, 20),
            first.sessions[0].turns[0].text.substr(0, 20));
  const Words others(nullptr, 2);
  EXPECT_NE(schedule_sha256(make_plan(options_, others).value()), schedule_sha256(salted));
}

TEST_F(Datasets, WorkloadsFitTheContextAndSaySo) {
  options_.count = 95;
  options_.chat = true;
  options_.max_model_len = 2048;
  for (const char* name : {"chat", "summarize", "mixed"}) {
    ArrivalOptions arrivals;
    WorkloadOptions workload;
    workload.name = name;
    const auto made = plan_workload(workload, options_, words_, arrivals);
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made->request_count(), 95u) << name;
    EXPECT_NE(made->notes.at(0).find("scaled"), std::string::npos) << name;
    for (const Session& session : made->sessions) {
      int context = session.system.empty() ? 0 : words_.count(session.system);
      for (const Turn& turn : session.turns) context += turn.input_tokens + turn.max_tokens;
      EXPECT_LE(context, 2048) << name;
    }
  }
}

}  // namespace
}  // namespace kilotoken::bench
