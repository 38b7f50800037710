// The server's manners: a full queue, clients that leave, draining, metrics.

#include <gtest/gtest.h>

#include <cmath>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "api/served.h"
#include "model/weights/safetensors_writer.h"
#include "model/weights/weight_source.h"
#include "serve/load/model_files.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

const json kEndless = {{"prompt", "Once upon a time"}, {"max_tokens", 200}, {"ignore_eos", true}};

std::string endless(bool stream) {
  json body = kEndless;
  body["stream"] = stream;
  return request_text("POST", "/v1/completions", body.dump(), "Content-Type: application/json\r\n");
}

TEST(Rule13, AFullQueueIsAnswered429) {
  Served served({.max_num_seqs = 1, .max_waiting = 1});
  TestClient running(served.port()), waiting(served.port());
  running.send(endless(true));
  waiting.send(endless(true));
  ASSERT_TRUE(eventually([&] { return served.model().engine().in_flight() == 2; }));
  const Answer refused = complete(served.port(), kEndless);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.json()["error"]["type"], "rate_limit_error");
  const std::string metrics = ask(served.port(), request_text("GET", "/metrics")).body;
  EXPECT_NE(metrics.find("\nkilotoken:requests_refused_total{reason=\"queue_full\"} 1\n"),
            std::string::npos);
  running.close();
  waiting.close();
  EXPECT_TRUE(eventually([&] { return served.model().engine().idle(); }));
  EXPECT_EQ(complete(served.port(), {{"prompt", "a"}, {"max_tokens", 1}}).status, 200);
}

TEST(Api, AClientThatNeverReadsIsCutOffAndItsPagesComeBack) {
  Served served(
      {.max_num_seqs = 32, .max_model_len = 512, .max_pending_output_bytes = size_t{64} << 10});
  TestClient client(served.port(), 4096);
  const json body = {{"prompt", {1, 2, 3}}, {"n", 32},          {"max_tokens", 500},
                     {"logprobs", 5},       {"temperature", 1}, {"ignore_eos", true},
                     {"stream", true}};
  client.send(
      request_text("POST", "/v1/completions", body.dump(), "content-type: application/json\r\n"));
  const auto aborted = [&] {
    return ask(served.port(), request_text("GET", "/metrics"))
               .body.find("finished_reason=\"abort\"} 1\n") != std::string::npos;
  };
  EXPECT_TRUE(eventually(aborted));
  EXPECT_TRUE(eventually([&] { return served.model().engine().idle(); }));
  EXPECT_TRUE(eventually([&] { return served.model().engine().load().pages_used == 0; }));
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

TEST(Rule16, AClientThatLeavesFreesItsPages) {
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

TEST(Rule11, NewWorkIsAnswered503WhileWhatRunsEndsWell) {
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

TEST(Rule15, AStreamCutOffByTheServerHasNoCleanEnd) {
  Served served;
  TestClient client(served.port());
  client.send(endless(true));
  client.read_until("data: ");
  served.model().engine().stop();
  const std::string rest = client.read_to_end();
  EXPECT_EQ(rest.find("[DONE]"), rest.npos);
  EXPECT_FALSE(rest.ends_with("0\r\n\r\n"));
}

// The built-in model with an output layer of its own, and an embedding of `token` that becomes NaN
// on the way: it computes as before until it has to read that token.
class ModelThatBreaks {
 public:
  explicit ModelThatBreaks(int token) {
    namespace fs = std::filesystem;
    char name[] = "/tmp/kilotoken-api-XXXXXX";
    KT_CHECK(mkdtemp(name) != nullptr);
    dir_ = name;
    const fs::path demo = resolve_model("demo").value();
    for (const char* file : {"generation_config.json", "tokenizer.json", "tokenizer_config.json"}) {
      fs::copy(demo / file, dir_ / file);
    }
    std::ifstream config_file(demo / "config.json");
    json config = json::parse(config_file);
    config["tie_word_embeddings"] = false;
    std::ofstream(dir_ / "config.json") << config.dump();
    const auto weights = open_safetensors(demo).value();
    std::map<std::string, Tensor> tensors;
    for (const std::string& tensor : weights->names()) tensors[tensor] = *weights->find(tensor);
    // The token's embedding lies along one channel alone, where the last norm's weight makes it
    // infinite, and no other token's; from there the head takes nothing: 0 times infinity.
    const Tensor embedding = tensors.at("model.embed_tokens.weight");
    const int64_t width = embedding.size(1);
    tensors["lm_head.weight"] = embedding;
    for (int64_t i = 0; i < width; ++i) {
      put("model.embed_tokens.weight", token * width + i, i == 0 ? 1e30f : 0.0f, tensors);
    }
    put("model.norm.weight", 0, 5e37f, tensors);
    for (int64_t row = 0; row < embedding.size(0); ++row) {
      put("lm_head.weight", row * width, 0.0f, tensors);
    }
    KT_CHECK(write_safetensors(dir_ / "model.safetensors", tensors).ok());
  }
  ~ModelThatBreaks() { std::filesystem::remove_all(dir_); }
  ModelThatBreaks(const ModelThatBreaks&) = delete;
  ModelThatBreaks& operator=(const ModelThatBreaks&) = delete;

  std::string path() const { return dir_.string(); }

 private:
  // Number `index` of a tensor, in a copy that the tensor views from then on.
  void put(const std::string& name, int64_t index, float value,
           std::map<std::string, Tensor>& tensors) {
    Tensor& tensor = tensors.at(name);
    std::vector<std::byte>& copy = copies_[name];
    if (copy.empty()) copy.assign(tensor.data, tensor.data + tensor.bytes());
    tensor.data = copy.data();
    store(copy.data() + static_cast<size_t>(index) * size_of(tensor.dtype), tensor.dtype, value);
  }

  std::filesystem::path dir_;
  std::map<std::string, std::vector<std::byte>> copies_;
};

TEST(Rule15, BrokenLogitsInMidStreamAreAnErrorEventAndTheConnectionCloses) {
  constexpr int kBroken = 300;
  const ModelThatBreaks model(kBroken);
  Served served({.model = model.path()});
  const json sound = {{"prompt", "Once upon a time"}, {"max_tokens", 40}, {"temperature", 0}};
  const std::string before = complete(served.port(), sound).json()["choices"][0]["text"];
  json body = sound;
  body["stream"] = true;
  body["logit_bias"] = {{std::to_string(kBroken), 100}};
  TestClient client(served.port());
  client.send(
      "POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(body.dump().size()) + "\r\n\r\n" + body.dump());
  const std::string answer = client.read_to_end();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n")) << "it has no clean end";
  const std::vector<std::string> data = events(parse_answer(answer).body);
  ASSERT_EQ(data.size(), 2u) << answer;
  EXPECT_EQ(json::parse(data[0])["choices"][0]["finish_reason"], nullptr);
  const json error = json::parse(data[1])["error"];
  EXPECT_EQ(error["type"], "server_error");
  EXPECT_NE(error["message"].get<std::string>().find("NaN"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return served.model().engine().load().pages_used == 0; }));
  EXPECT_EQ(complete(served.port(), sound).json()["choices"][0]["text"], before)
      << "what broke one request is nowhere in the next";
}

TEST(Rule19, StrictParametersAreRefusedByName) {
  Served served({.strict_params = true});
  const Answer refused = complete(served.port(), {{"prompt", "a"}, {"zebra", 1}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.json()["error"]["param"], "zebra");
  for (const char* path : {"/tokenize", "/detokenize"}) {
    const Answer answer =
        post_json(served.port(), path, {{"prompt", "a"}, {"tokens", json::array()}, {"zebra", 1}});
    EXPECT_EQ(answer.status, 400) << path;
  }
}

TEST(Rule14, TheRequestIdComesBackFromWhatTheServerRefusesItself) {
  const Served served;
  const Answer refused = ask(served.port(),
                             "POST /v1/completions HTTP/1.1\r\nX-Request-Id: abc-10\r\n"
                             "Content-Length: 999999999\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
  EXPECT_EQ(refused.header("x-request-id"), "abc-10");
  EXPECT_EQ(refused.json()["error"].size(), 4u) << refused.body;
}

// Holds up the engine's thread until it is let go.
class HoldUp final : public OutputSink {
 public:
  void on_delta(const ChoiceDelta&) override {
    std::unique_lock lock(mutex_);
    held_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  void wait_until_held() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false, released_ = false;
};

TEST(Health, AnEngineThatStandsStillIsNotHealthy) {
  Served served({.stall_timeout_s = 1});
  const auto status = [&](const std::string& path) {
    return ask(served.port(), request_text("GET", path)).status;
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  EXPECT_EQ(status("/health"), 200) << "having nothing to do is not standing still";
  auto request = std::make_shared<Request>();
  request->id = 1'000'000;
  request->prompt = {1, 2, 3};
  request->sampling.max_tokens = 2;
  const auto hold_up = std::make_shared<HoldUp>();
  ASSERT_TRUE(served.model().engine().submit(request, hold_up).ok());
  hold_up->wait_until_held();
  EXPECT_EQ(status("/health"), 200) << "not yet";
  EXPECT_TRUE(eventually([&] { return status("/health") == 503; }));
  EXPECT_EQ(status("/health/live"), 503);
  EXPECT_EQ(status("/health/ready"), 503);
  hold_up->release();
  EXPECT_TRUE(eventually([&] { return status("/health") == 200; }));
}

}  // namespace
}  // namespace kilotoken::test
