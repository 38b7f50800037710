// The server's manners: a full queue, clients that leave, draining, metrics.

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

const json kEndless = {{"prompt", "Once upon a time"}, {"max_tokens", 200}, {"ignore_eos", true}};

std::string endless(bool stream) {
  json body = kEndless;
  body["stream"] = stream;
  return request_text("POST", "/v1/completions", body.dump(), "Content-Type: application/json\r\n");
}

template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

double metric(int port, const std::string& name) {
  const std::string body = ask(port, request_text("GET", "/metrics")).body;
  const size_t at = body.find("\n" + name + " ");
  return at == body.npos ? -1 : std::stod(body.substr(at + name.size() + 2));
}

TEST(Api, AFullQueueIsAnswered429) {
  Served served({.max_num_seqs = 1, .max_waiting = 1});
  TestClient running(served.port()), waiting(served.port());
  running.send(endless(true));
  waiting.send(endless(true));
  ASSERT_TRUE(eventually([&] { return served.model().engine().in_flight() == 2; }));
  const Answer refused = complete(served.port(), kEndless);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.json()["error"]["type"], "rate_limit_error");
  running.close();
  waiting.close();
  EXPECT_TRUE(eventually([&] { return served.model().engine().idle(); }));
  EXPECT_EQ(complete(served.port(), {{"prompt", "a"}, {"max_tokens", 1}}).status, 200);
}

TEST(Api, ARequestThatOnlyPartlyFitsLeavesNothingBehind) {
  Served served({.max_num_seqs = 1, .max_waiting = 2});
  json body = kEndless;
  body["prompt"] = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(complete(served.port(), body).status, 429);
  EXPECT_TRUE(eventually([&] { return served.model().engine().idle(); }));
  EXPECT_TRUE(eventually([&] { return served.model().engine().load().pages_used == 0; }));
}

TEST(Api, AClientThatLeavesFreesItsPages) {
  Served served;
  for (const bool stream : {false, true}) {
    for (const bool by_reset : {false, true}) {
      TestClient client(served.port());
      client.send(endless(stream));
      ASSERT_TRUE(eventually([&] { return served.model().engine().load().pages_used > 0; }));
      const int64_t before = static_cast<int64_t>(
          metric(served.port(), "vllm:generation_tokens_total{model_name=\"demo\",engine=\"0\"}"));
      EXPECT_GE(before, 0);
      by_reset ? client.reset() : client.close();
      EXPECT_TRUE(eventually([&] { return served.model().engine().load().pages_used == 0; }))
          << "stream " << stream << " by_reset " << by_reset;
      EXPECT_TRUE(served.model().engine().idle());
    }
  }
}

TEST(Api, WhatRunsEndsWellWhileDraining) {
  Served served;
  TestClient client(served.port());
  client.send(endless(true));
  ASSERT_TRUE(eventually([&] { return served.model().engine().in_flight() == 1; }));
  served.api().drain();
  served.model().engine().drain();
  EXPECT_EQ(ask(served.port(), request_text("GET", "/health/ready")).status, 503);
  EXPECT_EQ(ask(served.port(), request_text("GET", "/health/live")).status, 200);
  const Answer refused = complete(served.port(), kEndless);
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.header("retry-after").empty());
  const Answer finished = parse_answer(client.read_to_end());
  ASSERT_FALSE(events(finished.body).empty());
  EXPECT_EQ(events(finished.body).back(), "[DONE]");
}

TEST(Api, AStreamCutOffByTheServerHasNoCleanEnd) {
  Served served;
  TestClient client(served.port());
  client.send(endless(true));
  client.read_until("data: ");
  served.model().engine().stop();
  const std::string rest = client.read_to_end();
  EXPECT_EQ(rest.find("[DONE]"), rest.npos);
  EXPECT_FALSE(rest.ends_with("0\r\n\r\n"));
}

TEST(Api, StrictParametersAreRefusedByName) {
  Served served({.strict_params = true});
  const Answer refused = complete(served.port(), {{"prompt", "a"}, {"zebra", 1}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json()["error"]["param"], "zebra");
}

TEST(Api, MetricsCountWhatWasServed) {
  Served served;
  const std::string labels = "{model_name=\"demo\",engine=\"0\"}";
  const json answer =
      complete(served.port(), {{"prompt", {1, 400, 401}}, {"max_tokens", 7}, {"ignore_eos", true}})
          .json();
  ASSERT_EQ(answer["usage"]["completion_tokens"], 7);
  const auto value = [&](const std::string& name) { return metric(served.port(), name); };
  // The answer may arrive a moment before the engine has told of its end.
  ASSERT_TRUE(
      eventually([&] { return value("vllm:e2e_request_latency_seconds_count" + labels) == 1; }));
  EXPECT_EQ(value("vllm:prompt_tokens_total" + labels), 3);
  EXPECT_EQ(value("vllm:generation_tokens_total" + labels), 7);
  EXPECT_EQ(value("vllm:time_to_first_token_seconds_count" + labels), 1);
  EXPECT_EQ(value("vllm:inter_token_latency_seconds_count" + labels), 6);
  EXPECT_EQ(value("vllm:request_prompt_tokens_sum" + labels), 3);
  EXPECT_EQ(value("vllm:request_generation_tokens_sum" + labels), 7);
  EXPECT_EQ(value("vllm:iteration_tokens_total_sum" + labels), 9) << "3 of the prompt, 6 fed back";
  EXPECT_EQ(value("vllm:request_success_total{model_name=\"demo\",engine=\"0\","
                  "finished_reason=\"length\"}"),
            1);
  EXPECT_EQ(value("vllm:kv_cache_usage_perc" + labels), 0);
  EXPECT_EQ(value("vllm:num_requests_running" + labels), 0);
  EXPECT_GT(value("process_resident_memory_bytes"), 0);
  EXPECT_GT(value("process_cpu_seconds_total"), 0);
  EXPECT_GT(value("process_open_fds"), 3);
}

}  // namespace
}  // namespace kilotoken::test
