#include "serve/api/answer_writer.h"

#include <cstdio>
#include <utility>

namespace kilotoken {
namespace {

// nginx's number for a client that left before the answer; never sent.
constexpr int kClientLeft = 499;

// What pages and monitors ask for every second would hide the rest.
bool is_watching(std::string_view handler) {
  return handler == "/metrics" || handler.starts_with("/health") || handler == "/" ||
         handler == "/assets";
}

}  // namespace

AnswerWriter::AnswerWriter(std::shared_ptr<ResponseWriter> inner, AnswerStart start)
    : inner_(std::move(inner)), start_(std::move(start)), began_ns_(start_.clock.now_ns()) {}

AnswerWriter::~AnswerWriter() {
  if (status_ == 0) status_ = inner_->closed() ? kClientLeft : 500;
  count();
}

void AnswerWriter::count() {
  if (counted_.exchange(true)) return;
  const int64_t duration_ns = start_.clock.now_ns() - began_ns_;
  start_.metrics->count(
      {start_.handler, start_.method, status_, duration_ns, start_.request_bytes, bytes_});
  if (start_.log) log(duration_ns);
}

void AnswerWriter::log(int64_t duration_ns) const {
  char milliseconds[32];
  std::snprintf(milliseconds, sizeof milliseconds, "%.1f", static_cast<double>(duration_ns) * 1e-6);
  std::string line = start_.method + " " + std::string(start_.handler) + " " +
                     std::to_string(status_) + ", " + milliseconds + " ms, " +
                     std::to_string(bytes_) + " bytes";
  for (const auto& [name, value] : start_.headers) {
    if (name == "x-request-id") line += ", " + value;
  }
  is_watching(start_.handler) ? start_.log->debug(line) : start_.log->info(line);
}

void AnswerWriter::send(HttpResponse response) {
  for (const auto& header : start_.headers) response.headers.push_back(header);
  status_ = response.status;
  bytes_ += response.body.size();
  count();  // before the client can ask for the count
  inner_->send(std::move(response));
}

void AnswerWriter::begin_stream(int status, HttpHeaders headers) {
  for (const auto& header : start_.headers) headers.push_back(header);
  status_ = status;
  inner_->begin_stream(status, std::move(headers));
}

void AnswerWriter::write(std::string data) {
  bytes_ += data.size();
  inner_->write(std::move(data));
}

void AnswerWriter::end() {
  count();
  inner_->end();
}

void AnswerWriter::abort() {
  count();
  inner_->abort();
}

void AnswerWriter::on_closed(std::function<void()> callback) {
  inner_->on_closed(std::move(callback));
}

bool AnswerWriter::closed() const { return inner_->closed(); }

}  // namespace kilotoken
