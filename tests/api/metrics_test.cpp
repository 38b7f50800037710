// A known load through the server, and what /metrics says of it, to the unit.

#include <gtest/gtest.h>

#include "api/exposition.h"
#include "api/served.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

const std::string kLabels = "{model_name=\"demo\",engine=\"0\"}";

std::string with(const std::string& label, const std::string& value) {
  return "{model_name=\"demo\",engine=\"0\"," + label + "=\"" + value + "\"}";
}

Exposition scrape(int port) {
  const Answer answer = ask(port, request_text("GET", "/metrics"));
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  Exposition read = read_exposition(answer.body);
  for (const std::string& problem : read.problems) ADD_FAILURE() << problem;
  return read;
}

// Scrapes until the engine has told of `requests` ends: an answer may arrive a moment before.
Exposition scrape_after(int port, int requests) {
  Exposition read;
  EXPECT_TRUE(eventually([&] {
    read = scrape(port);
    return read.value("vllm:e2e_request_latency_seconds_count" + kLabels) == requests;
  }));
  return read;
}

TEST(Metrics, TheReaderIsStrict) {
  const std::string head = "# HELP a Help.\n# TYPE a counter\n";
  EXPECT_TRUE(read_exposition(head + "a{x=\"1\"} 2\n").problems.empty());
  for (const std::string& bad :
       {head + "a{x=\"1\"} 2", head + "a{x=1} 2\n", head + "a -1\n", head + "a 1\na 1\n",
        head + "b 1\n", head + head + "a 1\n", std::string("# TYPE a counter\na 1\n"),
        std::string("a 1\n"), head + "a{x=\"\n\"} 1\n"}) {
    EXPECT_FALSE(read_exposition(bad).problems.empty()) << bad;
  }
  const std::string histogram = "# HELP h Help.\n# TYPE h histogram\n";
  const auto problems = [&](const std::string& samples) {
    return read_exposition(histogram + samples).problems.size();
  };
  EXPECT_EQ(problems("h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n"), 0u);
  EXPECT_EQ(problems("h_bucket{le=\"1.0\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\n"), 1u);
  EXPECT_EQ(problems("h_bucket{le=\"2.0\"} 1\nh_bucket{le=\"1.0\"} 2\nh_count 2\nh_sum 3\n"), 2u);
  EXPECT_EQ(problems("h_bucket{le=\"+Inf\"} 2\nh_count 3\nh_sum 3\n"), 1u);
}

TEST(Metrics, AKnownLoadIsCountedToTheUnit) {
  const Served served;
  const int port = served.port();
  const json answer =
      complete(port, {{"prompt", {1, 400, 401}}, {"max_tokens", 7}, {"ignore_eos", true}}).json();
  ASSERT_EQ(answer["usage"]["completion_tokens"], 7);
  ASSERT_EQ(complete(port, {{"prompt", {1, 2, 3, 4, 5, 6}},
                            {"max_tokens", 5},
                            {"n", 2},
                            {"ignore_eos", true},
                            {"stream", true}})
                .status,
            200);
  ASSERT_EQ(complete(port, {{"prompt", {1, 2}}, {"max_tokens", 0}, {"echo", true}}).status, 200);
  ASSERT_EQ(complete(port, {{"prompt", "a"}, {"n", 0}}).status, 400);
  const Exposition read = scrape_after(port, 3);
  const auto value = [&](const std::string& name) { return read.value("vllm:" + name + kLabels); };
  EXPECT_EQ(value("prompt_tokens_total"), 3 + 2 * 6 + 2);
  EXPECT_EQ(read.value("vllm:prompt_tokens_by_source_total" + with("source", "local_compute")), 11)
      << "the second choice samples from the first one's prompt";
  EXPECT_EQ(value("generation_tokens_total"), 7 + 2 * 5);
  EXPECT_EQ(read.value("vllm:request_success_total" + with("finished_reason", "length")), 3);
  for (const char* reason : {"stop", "abort", "error"}) {
    EXPECT_EQ(read.value("vllm:request_success_total" + with("finished_reason", reason)), 0);
  }
  EXPECT_EQ(value("num_preemptions_total"), 0);
  EXPECT_EQ(value("time_to_first_token_seconds_count"), 3) << "one of each choice";
  EXPECT_EQ(value("inter_token_latency_seconds_count"), 6 + 2 * 4);
  EXPECT_EQ(value("request_time_per_output_token_seconds_count"), 2);
  EXPECT_EQ(value("request_queue_time_seconds_count"), 3);
  EXPECT_EQ(value("request_inference_time_seconds_count"), 3);
  EXPECT_EQ(value("request_prefill_time_seconds_count"), 2);
  EXPECT_EQ(value("request_decode_time_seconds_count"), 2);
  EXPECT_EQ(value("request_prompt_tokens_sum"), 3 + 6 + 2);
  EXPECT_EQ(value("request_generation_tokens_sum"), 7 + 10);
  EXPECT_EQ(value("request_max_num_generation_tokens_sum"), 7 + 5);
  EXPECT_EQ(value("request_max_num_generation_tokens_count"), 3);
  EXPECT_EQ(value("request_params_max_tokens_sum"), 7 + 5 + 0);
  EXPECT_EQ(value("request_prefill_kv_computed_tokens_sum"), 3 + 6 + 2);
  EXPECT_EQ(value("request_params_n_sum"), 1 + 2 + 1);
  EXPECT_EQ(value("iteration_tokens_total_sum"), (3 + 6) + (6 + 2 * 4) + 2)
      << "prompts, once for both choices, and tokens fed back";
  EXPECT_EQ(read.value("kilotoken:step_time_predicted_steps" + kLabels), 0) << "too few steps";
  EXPECT_EQ(read.value("kilotoken:request_tokenize_time_seconds_count" + kLabels), 3);
  const std::string share = "kilotoken:tokenizer_share_of_ttft";
  EXPECT_EQ(read.value(share + "_count" + kLabels), 2) << "of requests with a first token";
  EXPECT_GT(read.value(share + "_sum" + kLabels), 0);
  EXPECT_LT(read.value(share + "_sum" + kLabels), 2) << "each is less than all of it";
  for (const char* gauge :
       {"num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"}) {
    EXPECT_EQ(value(gauge), 0) << gauge;
  }
  const auto http = [&](const char* status) {
    return read.value("http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=\"" +
                      std::string(status) + "\"}");
  };
  EXPECT_EQ(http("2xx"), 3);
  EXPECT_EQ(http("4xx"), 1);
  EXPECT_EQ(read.value("http_request_duration_seconds_count{handler=\"/v1/completions\","
                       "method=\"POST\"}"),
            4);
  EXPECT_EQ(read.value("http_request_size_bytes_count{handler=\"/v1/completions\"}"), 4);
}

TEST(Metrics, WhatThePrefixCacheHadIsCounted) {
  const Served served;
  json ids = {1};
  for (int i = 1; i < 130; ++i) ids.push_back(300 + i);  // two pages of 64 and two tokens
  const json body = {{"prompt", ids}, {"max_tokens", 1}};
  ASSERT_EQ(complete(served.port(), body).status, 200);
  ASSERT_EQ(complete(served.port(), body).status, 200);
  const Exposition read = scrape_after(served.port(), 2);
  const auto value = [&](const std::string& name) { return read.value("vllm:" + name + kLabels); };
  EXPECT_EQ(value("prefix_cache_queries_total"), 260);
  EXPECT_EQ(value("prefix_cache_hits_total"), 128);
  EXPECT_EQ(value("gpu_prefix_cache_hits"), 128);
  EXPECT_EQ(value("prompt_tokens_cached_total"), 128);
  EXPECT_EQ(value("prompt_tokens_total"), 260);
  EXPECT_EQ(read.value("vllm:prompt_tokens_by_source_total" + with("source", "local_compute")),
            132);
  EXPECT_EQ(read.value("vllm:prompt_tokens_by_source_total" + with("source", "local_cache_hit")),
            128);
  EXPECT_EQ(value("request_prefill_kv_computed_tokens_sum"), 132);
  EXPECT_EQ(value("iteration_tokens_total_sum"), 132);
}

TEST(Metrics, StepTimesArePredictedAndHowWell) {
  const Served served;
  const json body = {{"prompt", {1, 2}}, {"max_tokens", 200}, {"ignore_eos", true}};
  ASSERT_EQ(complete(served.port(), body).status, 200);
  const Exposition read = scrape_after(served.port(), 1);
  EXPECT_EQ(read.value("kilotoken:step_time_predicted_steps" + kLabels), 200 - 32);
  for (const char* statistic : {"median", "p95", "mean"}) {
    const std::string name = "kilotoken:step_time_error_" + std::string(statistic) + "_ratio";
    EXPECT_GT(read.value(name + kLabels), 0) << name;
  }
}

TEST(Metrics, ParametersThatAreIgnoredAreCounted) {
  const Served served;
  ASSERT_EQ(post_json(served.port(), "/tokenize", {{"prompt", "a"}, {"x", 1}, {"y", 2}}).status,
            200);
  EXPECT_EQ(scrape(served.port()).value("kilotoken:ignored_params_total"), 2);
}

TEST(Metrics, UnknownRoutesAndMethodsShareASeries) {
  const Served served;
  for (int i = 0; i < 5; ++i) {
    ask(served.port(), request_text("BREW" + std::to_string(i), "/pot" + std::to_string(i)));
  }
  EXPECT_EQ(scrape(served.port())
                .value("http_requests_total{handler=\"none\",method=\"other\",status=\"4xx\"}"),
            5);
}

TEST(Metrics, GaugesSayWhatRunsAndWaits) {
  Served served({.max_num_seqs = 1});
  TestClient running(served.port()), waiting(served.port());
  const json body = {{"prompt", "Once"}, {"max_tokens", 250}, {"ignore_eos", true}, {"n", 8}};
  for (TestClient* client : {&running, &waiting}) {
    client->send(
        request_text("POST", "/v1/completions", body.dump(), "Content-Type: application/json\r\n"));
  }
  Exposition read;
  EXPECT_TRUE(eventually([&] {
    read = scrape(served.port());
    return read.value("vllm:num_requests_running" + kLabels) == 1 &&
           read.value("vllm:num_requests_waiting" + kLabels) > 0;
  }));
  EXPECT_EQ(read.value("vllm:num_requests_waiting_by_reason" + with("reason", "capacity")),
            read.value("vllm:num_requests_waiting" + kLabels));
  EXPECT_EQ(read.value("vllm:num_requests_waiting_by_reason" + with("reason", "deferred")), 0);
  EXPECT_GT(read.value("vllm:kv_cache_usage_perc" + kLabels), 0);
  EXPECT_LE(read.value("vllm:kv_cache_usage_perc" + kLabels), 1);
  EXPECT_EQ(read.value("vllm:gpu_cache_usage_perc" + kLabels),
            read.value("vllm:kv_cache_usage_perc" + kLabels));
  running.close();
  waiting.close();
  EXPECT_TRUE(eventually([&] { return served.model().engine().idle(); }));
  EXPECT_EQ(scrape_after(served.port(), 2)
                .value("vllm:request_success_total" + with("finished_reason", "abort")),
            2);
}

TEST(Metrics, NamesAndBucketsAreThoseOfVllm) {
  const Served served;
  ASSERT_EQ(complete(served.port(), {{"prompt", {1, 2}}, {"max_tokens", 2}}).status, 200);
  const Exposition read = scrape_after(served.port(), 1);
  const std::map<std::string, std::vector<std::string>> families = {
      {"gauge",
       {"vllm:num_requests_running", "vllm:num_requests_waiting",
        "vllm:num_requests_waiting_by_reason", "vllm:kv_cache_usage_perc",
        "vllm:gpu_cache_usage_perc", "vllm:engine_sleep_state", "vllm:cache_config_info",
        "process_resident_memory_bytes", "process_open_fds"}},
      {"counter",
       {"vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:request_success_total",
        "vllm:request_success", "vllm:num_preemptions_total", "vllm:prompt_tokens_by_source_total",
        "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total", "http_requests_total",
        "process_cpu_seconds_total"}},
      {"histogram",
       {"vllm:time_to_first_token_seconds", "vllm:inter_token_latency_seconds",
        "vllm:time_per_output_token_seconds", "vllm:request_time_per_output_token_seconds",
        "vllm:e2e_request_latency_seconds", "vllm:request_queue_time_seconds",
        "vllm:request_prefill_time_seconds", "vllm:request_decode_time_seconds",
        "vllm:request_inference_time_seconds", "vllm:request_prompt_tokens",
        "vllm:request_generation_tokens", "vllm:request_max_num_generation_tokens",
        "vllm:request_params_max_tokens", "vllm:request_params_n", "vllm:iteration_tokens_total",
        "vllm:request_prefill_kv_computed_tokens", "http_request_duration_seconds",
        "http_request_size_bytes", "http_response_size_bytes"}}};
  for (const auto& [type, names] : families) {
    for (const std::string& name : names) {
      const auto at = read.types.find(name);
      EXPECT_TRUE(at != read.types.end() && at->second == type) << name;
    }
  }
  const auto has = [&](const std::string& name, const std::vector<std::string>& bounds) {
    for (const std::string& bound : bounds) {
      EXPECT_GE(read.value("vllm:" + name + "_bucket" + with("le", bound)), 0) << name << bound;
    }
  };
  has("time_to_first_token_seconds",
      {"0.001", "0.005", "0.01", "0.02",  "0.04",  "0.06",  "0.08", "0.1",
       "0.25",  "0.5",   "0.75", "1.0",   "2.5",   "5.0",   "7.5",  "10.0",
       "20.0",  "40.0",  "80.0", "160.0", "640.0", "2560.0"});
  for (const char* name :
       {"inter_token_latency_seconds", "request_time_per_output_token_seconds"}) {
    has(name, {"0.01", "0.025", "0.05", "0.075", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.75",
               "1.0", "2.5", "5.0", "7.5", "10.0", "20.0", "40.0", "80.0"});
  }
  for (const char* name :
       {"e2e_request_latency_seconds", "request_queue_time_seconds", "request_prefill_time_seconds",
        "request_decode_time_seconds", "request_inference_time_seconds"}) {
    has(name, {"0.05",  "0.3",   "0.5",   "0.8",   "1.0",    "1.5",   "2.0",  "2.5",
               "5.0",   "10.0",  "15.0",  "20.0",  "30.0",   "40.0",  "50.0", "60.0",
               "120.0", "240.0", "480.0", "960.0", "1920.0", "7680.0"});
  }
  has("request_prompt_tokens", {"1.0", "2.0", "5.0", "10.0", "20.0", "50.0", "100.0", "200.0"});
  EXPECT_EQ(read.value("vllm:request_prompt_tokens_bucket" + with("le", "500.0")), -1)
      << "beyond the context of 256";
  has("request_params_n", {"1.0", "2.0", "5.0", "10.0", "20.0"});
  has("iteration_tokens_total", {"1.0", "8.0", "16.0", "16384.0"});
}

}  // namespace
}  // namespace kilotoken::test
