#include "net/connection.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

#include "net/response_writer.h"

namespace kilotoken {

namespace asio = boost::asio;

namespace {

// Requests that a client sends ahead while one is being answered are read up to here.
constexpr size_t kReadAheadBytes = 64 << 10;
// How long the rest of a refused request is thrown away, so that the client gets to read why.
constexpr int kLingerMs = 3'000;
constexpr size_t kBuffersPerWrite = 32;

// A value that came from a request must not begin a header of its own.
std::string one_line(std::string value) {
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; };
  std::replace_if(value.begin(), value.end(), is_control, '?');
  return value;
}

// Whether the peer has reset the connection; one that it has closed half of is not broken.
bool is_broken(int socket) {
  pollfd state{socket, 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
}

}  // namespace

Connection::Connection(Socket socket, std::shared_ptr<ServerShared> shared)
    : socket_(std::move(socket)),
      shared_(std::move(shared)),
      read_timer_(socket_.get_executor()),
      write_timer_(socket_.get_executor()) {}

void Connection::start() {
  ErrorCode ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto peer = socket_.remote_endpoint(ignored);
  if (!ignored) remote_ = peer.address().to_string(ignored);
  next_request();
}

// ---- reading

void Connection::start_refused() {
  HttpResponse response =
      error_response(503, "server_error",
                     "the server has as many connections as it takes (" +
                         std::to_string(shared_->config.max_connections) + "): try again later",
                     {}, "too_many_connections");
  response.headers.emplace_back("retry-after", "1");
  refuse_with(std::move(response));
}

void Connection::next_request() {
  reader_.emplace(shared_->config.limits);
  continue_sent_ = false;
  if (shared_->draining && in_.empty()) return close_after_flush();
  request_deadline_ = std::chrono::steady_clock::time_point::max();
  arm_read_timer(shared_->config.idle_timeout_ms);
  parse();
}

void Connection::read_more() {
  if (reading_ || dead_) return;
  if (end_of_input_ || (!reader_ && in_.size() >= kReadAheadBytes)) return watch_for_reset();
  reading_ = true;
  socket_.async_read_some(
      asio::buffer(read_buffer_),
      [self = shared_from_this()](ErrorCode error, size_t bytes) { self->on_read(error, bytes); });
}

void Connection::on_read(ErrorCode error, size_t bytes) {
  reading_ = false;
  if (dead_) return;
  if (error == asio::error::eof) return on_end_of_input();
  if (error) return close();
  if (closing_) return read_more();  // of a refused request
  in_.append(read_buffer_.data(), bytes);
  if (!reader_) return read_more();
  set_deadline();
  if (!reader_->begun() || reader_->header_done()) {
    arm_read_timer(shared_->config.idle_timeout_ms);
  }
  parse();
}

// Closing the sending half and closing everything look the same until something is sent: a client
// that is gone altogether answers with a reset, one that only finished sending reads on.
void Connection::on_end_of_input() {
  end_of_input_ = true;
  if (lingering_) return close();
  if (!exchange_) return reader_ ? close_after_flush() : void();
  probe();
  watch_for_reset();
}

// Sends what changes nothing for a client that is there: before the answer an interim response,
// which every client skips; between the pieces of a stream a zero, with which the size of the next
// may begin.
void Connection::probe() {
  if (!exchange_->http11) return;
  if (!exchange_->begun) {
    queue("HTTP/1.1 100 Continue\r\n\r\n");
  } else if (exchange_->streaming && !exchange_->head) {
    queue("0");
  }
}

// A wake is only a reason to look: it may be meant for a closed socket whose record Asio has handed
// on to this one, or be urgent data.
void Connection::watch_for_reset() {
  if (watching_) return;
  watching_ = true;
  socket_.async_wait(Socket::wait_error, [self = shared_from_this()](ErrorCode error) {
    self->watching_ = false;
    if (self->dead_) return;
    if (error || is_broken(self->socket_.native_handle())) return self->close();
    self->watch_for_reset();
  });
}

// From a request's first byte on.
void Connection::set_deadline() {
  if (in_.empty() || reader_->begun()) return;
  request_deadline_ = std::chrono::steady_clock::now() +
                      std::chrono::milliseconds(shared_->config.request_timeout_ms);
}

void Connection::parse() {
  set_deadline();
  switch (reader_->put(in_)) {
    case RequestReader::State::kRefused:
      return refuse(reader_->status(), reader_->message());
    case RequestReader::State::kDone:
      return dispatch();
    case RequestReader::State::kMore:
      break;
  }
  if (end_of_input_) return close_after_flush();
  if (!continue_sent_ && reader_->wants_continue()) {
    continue_sent_ = true;
    queue("HTTP/1.1 100 Continue\r\n\r\n");
  }
  read_more();
}

void Connection::dispatch() {
  read_timer_.cancel();
  exchange_ = std::make_shared<Exchange>();
  exchange_->head = reader_->is_head();
  exchange_->http11 = reader_->is_http11();
  exchange_->keep_alive = reader_->keep_alive();
  HttpRequest request = reader_->take();
  request.remote = remote_;
  reader_.reset();
  auto writer = std::make_shared<ConnectionWriter>(shared_, weak_from_this(), exchange_);
  read_more();  // to notice when the client goes
  try {
    shared_->handler.handle(std::move(request), std::move(writer));
  } catch (const std::exception& failure) {
    HttpResponse response = error_response(500, "server_error", failure.what());
    if (exchange_ && !exchange_->begun) send(ExchangePtr(exchange_), std::move(response));
  }
}

void Connection::refuse(int status, const std::string& message) {
  HttpRequest request = reader_->take();
  request.body.clear();
  request.remote = remote_;
  HttpResponse response = error_response(status, "invalid_request_error", message);
  shared_->handler.refused(request, response);
  refuse_with(std::move(response));
}

void Connection::refuse_with(HttpResponse response) {
  read_timer_.cancel();
  reader_.reset();
  in_.clear();
  Exchange last;
  last.keep_alive = false;
  queue(header_text(last, response.status, response.headers, response.body.size()) + response.body);
  close_after_flush();
  read_more();
}

void Connection::arm_read_timer(int timeout_ms) {
  const auto after = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  read_timer_.expires_at(lingering_ ? after : std::min(after, request_deadline_));
  read_timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    // A handler that was already on its way when the timer was set anew comes too early.
    if (error || self->read_timer_.expiry() > std::chrono::steady_clock::now()) return;
    self->on_read_timeout();
  });
}

void Connection::on_read_timeout() {
  if (dead_ || exchange_) return;
  if (closing_ || !reader_ || (in_.empty() && !reader_->begun())) return close();
  const bool too_long = std::chrono::steady_clock::now() >= request_deadline_;
  const int limit_ms =
      too_long ? shared_->config.request_timeout_ms : shared_->config.idle_timeout_ms;
  refuse(408, "the request did not arrive within " + std::to_string(limit_ms / 1000) + " seconds");
}

// ---- answering

void Connection::send(const ExchangePtr& exchange, HttpResponse response) {
  if (exchange_ != exchange) return;
  if (exchange->begun) return abort(exchange);  // a stream cannot become another answer
  exchange->begun = true;
  std::string text =
      header_text(*exchange, response.status, response.headers, response.body.size());
  if (!exchange->head) text += response.body;
  queue(std::move(text));
  finish_exchange();
}

void Connection::begin_stream(const ExchangePtr& exchange, int status, const HttpHeaders& headers) {
  if (exchange_ != exchange || exchange->begun) return;
  exchange->begun = exchange->streaming = true;
  if (!exchange->http11) exchange->keep_alive = false;  // the end of the body is the end of all
  queue(header_text(*exchange, status, headers, std::nullopt));
}

void Connection::write(const ExchangePtr& exchange, const std::string& data) {
  if (exchange_ != exchange || !exchange->begun || exchange->head || data.empty()) return;
  if (exchange->http11) {
    char size[16];
    const char* end = std::to_chars(size, size + sizeof size, data.size(), 16).ptr;
    std::string chunk(size, static_cast<size_t>(end - size));
    queue(chunk.append("\r\n").append(data).append("\r\n"));
  } else {
    queue(data);
  }
  if (out_bytes_ > shared_->config.max_pending_output_bytes) close();
}

void Connection::end(const ExchangePtr& exchange) {
  if (exchange_ != exchange) return;
  if (!exchange->begun) return abandon(exchange);
  if (exchange->http11 && !exchange->head) queue("0\r\n\r\n");
  finish_exchange();
}

void Connection::abort(const ExchangePtr& exchange) {
  if (exchange_ != exchange) return;
  exchange->closed = true;
  exchange_->on_closed = nullptr;
  exchange_.reset();
  // What was written before still goes out, but no end of the message follows it.
  close_after_flush();
}

void Connection::abandon(const ExchangePtr& exchange) {
  if (exchange_ != exchange) return;
  if (exchange->begun) return abort(exchange);
  send(exchange, error_response(500, "server_error", "the request was dropped"));
}

void Connection::set_on_closed(const ExchangePtr& exchange, std::function<void()> callback) {
  if (exchange_ == exchange) {
    exchange->on_closed = std::move(callback);
  } else if (exchange->closed) {
    callback();
  }
}

std::string Connection::header_text(Exchange& exchange, int status, const HttpHeaders& headers,
                                    std::optional<size_t> body_bytes) {
  if (shared_->draining) exchange.keep_alive = false;
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(reason_phrase(status)).append("\r\n");
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(one_line(value)).append("\r\n");
  }
  if (status == 204 || status == 304) {  // has no body, and tells no length
  } else if (body_bytes) {
    text += "content-length: " + std::to_string(*body_bytes) + "\r\n";
  } else if (exchange.http11) {
    text += "transfer-encoding: chunked\r\n";
  }
  if (!exchange.keep_alive) {
    text += "connection: close\r\n";
  } else if (!exchange.http11) {
    text += "connection: keep-alive\r\n";
  }
  return text + "\r\n";
}

// The next request is looked at when this answer is on its way: a client that sends requests but
// does not read answers stops itself.
void Connection::finish_exchange() {
  const ExchangePtr finished = std::move(exchange_);
  exchange_.reset();
  finished->on_closed = nullptr;
  if (!finished->keep_alive) return close_after_flush();
  if (!writing_) flush();
}

// ---- writing

void Connection::queue(std::string bytes) {
  if (dead_) return;
  out_bytes_ += bytes.size();
  out_.push_back(std::move(bytes));
  if (!writing_) flush();
}

void Connection::flush() {
  if (dead_) return;
  writing_ = !out_.empty();
  if (!writing_) {
    write_timer_.cancel();
    if (closing_) return finish_close();
    if (!exchange_ && !reader_) next_request();
    return;
  }
  std::vector<asio::const_buffer> buffers;
  for (size_t i = 0; i < std::min(out_.size(), kBuffersPerWrite); ++i) {
    buffers.push_back(asio::buffer(out_[i]) + (i == 0 ? out_offset_ : 0));
  }
  arm_write_timer();
  socket_.async_write_some(buffers, [self = shared_from_this()](ErrorCode error, size_t bytes) {
    if (self->dead_) return;
    if (error) return self->close();
    self->out_bytes_ -= bytes;
    self->out_offset_ += bytes;
    while (!self->out_.empty() && self->out_offset_ >= self->out_.front().size()) {
      self->out_offset_ -= self->out_.front().size();
      self->out_.pop_front();
    }
    self->flush();
  });
}

void Connection::arm_write_timer() {
  write_timer_.expires_after(std::chrono::milliseconds(shared_->config.idle_timeout_ms));
  write_timer_.async_wait([self = shared_from_this()](ErrorCode error) {
    if (error || self->write_timer_.expiry() > std::chrono::steady_clock::now()) return;
    if (self->writing_) self->close();
  });
}

// ---- closing

void Connection::drain() {
  if (!dead_ && !exchange_ && reader_ && in_.empty() && !reader_->begun()) close_after_flush();
}

void Connection::close_after_flush() {
  closing_ = true;
  if (!writing_) finish_close();
}

// Closing a socket with unread input resets the connection, and the client may lose the answer it
// has not read. So only our half is closed until the client has closed its own.
void Connection::finish_close() {
  if (dead_ || lingering_) return;
  if (end_of_input_) return close();
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  lingering_ = true;
  in_.clear();
  arm_read_timer(kLingerMs);
  read_more();
}

void Connection::close() {
  if (dead_) return;
  dead_ = true;
  read_timer_.cancel();
  write_timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->connections.erase(this);
  }
  if (!exchange_) return;
  const ExchangePtr cut = std::move(exchange_);
  exchange_.reset();
  cut->closed = true;
  if (const auto callback = std::exchange(cut->on_closed, nullptr)) callback();
}

}  // namespace kilotoken
