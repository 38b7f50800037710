// How the program ends when it is told to: what runs comes to its end, new work is sent away.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "api/http_client.h"

namespace kilotoken::test {
namespace {

using nlohmann::json;

// `kilotoken serve` on a free port, as a process of its own.
class Drain : public testing::Test {
 protected:
  void serve(std::vector<const char*> arguments) {
    char name[] = "/tmp/kilotoken-drain-XXXXXX";
    log_ = mkstemp(name);
    ASSERT_GE(log_, 0);
    log_path_ = name;
    child_ = fork();
    if (child_ == 0) {
      dup2(log_, STDOUT_FILENO);
      dup2(log_, STDERR_FILENO);
      arguments.insert(arguments.begin(), {KILOTOKEN_BINARY, "serve", "--port", "0"});
      arguments.push_back(nullptr);
      execv(KILOTOKEN_BINARY, const_cast<char* const*>(arguments.data()));
      _exit(127);
    }
  }
  void serve_demo() {
    serve({"demo", "--max-num-seqs", "1", "--max-model-len", "2048", "--shutdown-timeout", "300"});
    ASSERT_TRUE(eventually([this] { return find_port(); })) << log();
  }
  void TearDown() override {
    if (child_ > 0) {
      kill(child_, SIGKILL);
      waitpid(child_, nullptr, 0);
    }
    close(log_);
    std::filesystem::remove(log_path_);
  }

  std::string log() const {
    std::ifstream file(log_path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  bool find_port() {
    const std::string text = log(), before = "ready at http://127.0.0.1:";
    const size_t at = text.find(before);
    if (at == text.npos || text.find(';', at) == text.npos) return false;
    port_ = std::stoi(text.substr(at + before.size()));
    return true;
  }

  static json endless(bool stream) {
    return {{"prompt", "Once upon a time"},
            {"max_tokens", 1900},
            {"ignore_eos", true},
            {"stream", stream}};
  }
  static std::string stream_request() {
    return request_text("POST", "/v1/completions", endless(true).dump(),
                        "Content-Type: application/json\r\n");
  }

  int ready_status() const { return ask(port_, request_text("GET", "/health/ready")).status; }

  // -1 when it was killed by a signal.
  int exit_code() {
    int status = 0;
    waitpid(std::exchange(child_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  int log_ = -1;
  std::string log_path_;
  pid_t child_ = 0;
  int port_ = 0;
};

// One sequence runs at a time here, so that one stream still waits when the signal comes.
TEST_F(Drain, WhatRunsAndWaitsEndsWellAndNewWorkIsSentAway) {
  ASSERT_NO_FATAL_FAILURE(serve_demo());
  EXPECT_EQ(ready_status(), 200);
  TestClient running(port_), waiting(port_);
  running.send(stream_request());
  const std::string first = running.read_until("data: ");
  waiting.send(stream_request());
  const std::string series = "vllm:num_requests_waiting{model_name=\"demo\",engine=\"0\"}";
  ASSERT_TRUE(eventually([&] { return metric(port_, series) == 1; }));
  ASSERT_EQ(kill(child_, SIGTERM), 0);
  EXPECT_TRUE(eventually([&] { return ready_status() != 200; }));
  EXPECT_EQ(ready_status(), 503);
  EXPECT_EQ(ask(port_, request_text("GET", "/health/live")).status, 200);
  const Answer refused = complete(port_, endless(false));
  EXPECT_EQ(refused.status, 503);
  EXPECT_FALSE(refused.header("retry-after").empty());
  for (const std::string& text : {first + running.read_to_end(), waiting.read_to_end()}) {
    const std::vector<std::string> data = events(parse_answer(text).body);
    ASSERT_GT(data.size(), 2u) << text;
    EXPECT_EQ(data.back(), "[DONE]");
    EXPECT_EQ(json::parse(data[data.size() - 2])["choices"][0]["finish_reason"], "length");
  }
  EXPECT_EQ(exit_code(), 0) << log();
}

TEST_F(Drain, ASecondSignalCutsItShort) {
  ASSERT_NO_FATAL_FAILURE(serve_demo());
  TestClient running(port_);
  running.send(stream_request());
  running.read_until("data: ");
  ASSERT_EQ(kill(child_, SIGTERM), 0);
  ASSERT_TRUE(eventually([&] { return ready_status() == 503; }));
  ASSERT_EQ(kill(child_, SIGINT), 0);
  const std::string rest = running.read_to_end();
  EXPECT_EQ(rest.find("[DONE]"), rest.npos);
  EXPECT_EQ(exit_code(), 0) << log();
  EXPECT_NE(log().find("cut off: 1 sequences"), std::string::npos) << log();
}

// A model that takes seconds to load: the signal does not wait for that.
TEST_F(Drain, LoadingIsNotWaitedFor) {
  serve({"llama-3.2-1b", "--load-format", "dummy"});
  ASSERT_TRUE(eventually([this] { return log().find(", loading ") != std::string::npos; }));
  ASSERT_EQ(kill(child_, SIGTERM), 0);
  EXPECT_EQ(exit_code(), 0) << log();
  EXPECT_NE(log().find("stopped while loading"), std::string::npos) << log();
  EXPECT_EQ(log().find("ready at"), std::string::npos) << log();
}

}  // namespace
}  // namespace kilotoken::test
