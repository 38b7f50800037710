#pragma once
// What the server's tests share: a handler that keeps requests for the test to answer, and a
// fixture.

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "net/server.h"
#include "net/test_client.h"

namespace kilotoken {

// Answers "/echo" with what it got; keeps everything else for the test to answer.
class Handler final : public HttpHandler {
 public:
  struct Call {
    HttpRequest request;
    std::shared_ptr<ResponseWriter> response;
  };

  void handle(HttpRequest request, std::shared_ptr<ResponseWriter> response) override {
    if (request.path == "/throw") throw std::runtime_error("thrown");
    if (request.path == "/drop") return;
    if (request.path == "/echo") {
      response->send({200, {{"x-method", request.method}}, request.query + "|" + request.body});
      return;
    }
    response->on_closed([this] {
      const std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    });
    const std::lock_guard lock(mutex_);
    calls_.push_back({std::move(request), std::move(response)});
    changed_.notify_all();
  }

  void refused(const HttpRequest& request, HttpResponse& response) override {
    response.headers.emplace_back("x-refused", request.method + " " + request.path);
  }

  Call next() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !calls_.empty(); });
    if (calls_.empty()) return {};
    Call call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }
  bool wait_for_closed(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return closed_ >= count; });
  }
  int closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> calls_;
  int closed_ = 0;
};

class ServerTest : public testing::Test {
 protected:
  void start(HttpServerConfig config = {}) {
    config.port = 0;
    server_ = std::make_unique<HttpServer>(config, handler_);
    const Result<int> port = server_->start();
    ASSERT_TRUE(port.ok()) << port.error().message;
    port_ = *port;
  }
  static bool ends_with(const std::string& text, std::string_view end) {
    return text.ends_with(end);
  }
  static std::string post(std::string_view path, std::string_view body) {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

  Handler handler_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

}  // namespace kilotoken
