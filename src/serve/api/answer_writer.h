#pragma once
// AnswerWriter: a ResponseWriter that gives every answer the headers all answers carry, and counts
// it when it is over.

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "net/http.h"
#include "serve/api/http_metrics.h"

namespace kilotoken {

// What is known when the request comes. Outlived by clock, metrics and log.
struct AnswerStart {
  HttpHeaders headers;  // of every answer to this request
  std::string_view handler;
  std::string method;
  size_t request_bytes = 0;
  const Clock& clock;
  std::shared_ptr<HttpMetrics> metrics;
  const Log* log;  // may be null
};

class AnswerWriter final : public ResponseWriter {
 public:
  AnswerWriter(std::shared_ptr<ResponseWriter> inner, AnswerStart start);
  ~AnswerWriter() override;

  void send(HttpResponse response) override;
  void begin_stream(int status, HttpHeaders headers) override;
  void write(std::string data) override;
  void end() override;
  void abort() override;
  void on_closed(std::function<void()> callback) override;
  bool closed() const override;

 private:
  void count();
  void log(int64_t duration_ns) const;

  const std::shared_ptr<ResponseWriter> inner_;
  const AnswerStart start_;
  const int64_t began_ns_;
  std::atomic<int> status_{0};  // 0: nothing sent
  std::atomic<size_t> bytes_{0};
  std::atomic<bool> counted_{false};
};

}  // namespace kilotoken
