#include "measure/bench/null_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <deque>
#include <thread>
#include <unordered_set>
#include <utility>

#include "measure/bench/null_stream.h"
#include "net/event_loop.h"

namespace kilotoken::bench {
namespace {

constexpr std::array<std::pair<std::string_view, NullFault>, 13> kFaults = {{
    {"none", NullFault::kNone},
    {"reset", NullFault::kReset},
    {"not_http", NullFault::kNotHttp},
    {"http_500", NullFault::kStatus500},
    {"http_429", NullFault::kStatus429},
    {"stall", NullFault::kStall},
    {"broken_sse", NullFault::kBrokenSse},
    {"error_event", NullFault::kErrorEvent},
    {"close_early", NullFault::kCloseEarly},
    {"long_line", NullFault::kLongLine},
    {"no_usage", NullFault::kNoUsage},
    {"wrong_usage", NullFault::kWrongUsage},
    {"empty", NullFault::kEmpty},
}};

constexpr int kEventsATurn = 8;  // of one stream that goes as fast as it can

class Session;

// What the connections share.
struct Desk {
  const NullServerOptions& options;
  EventLoop loop;
  std::deque<Session*> waiting{};
  int running = 0;
  int64_t requests = 0, first_request_ns = 0;
  std::unordered_set<uint64_t> seen{};
  std::FILE* log = nullptr;
  std::unordered_set<Session*> sessions{};
  std::vector<std::unique_ptr<Session>> dead{};

  void next_in_line();
  void stand_still();
};

class Session final : public EventLoop::Watcher {
 public:
  Session(Desk& desk, int fd) : desk_(desk), fd_(fd) {
    desk_.loop.watch(fd_, EPOLLIN, *this);
    desk_.sessions.insert(this);
  }
  ~Session() override { ::close(fd_); }

  void on_ready(uint32_t events) override {
    if (events & EPOLLOUT) flush();
    if (fd_gone_ || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
    std::array<char, 16384> buffer;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) return close();
    if (got < 0) return;
    in_.append(buffer.data(), static_cast<size_t>(got));
    if (phase_ == Phase::kIdle) take_request();
  }

  // Its turn has come.
  void serve() {
    ++desk_.running;
    phase_ = Phase::kServing;
    const NullServerOptions& options = desk_.options;
    const int64_t now = desk_.loop.now_ns();
    int64_t ttft_us = options.ttft_us;
    if (options.warm_ttft_us >= 0) {
      warm_ = !desk_.seen.insert(request_.prompt_hash).second;
      if (warm_) ttft_us = options.warm_ttft_us;
    }
    if (number_ < options.cold_requests) ttft_us += options.cold_us;
    ttft_us += static_cast<int64_t>(static_cast<double>(ttft_us) * options.drift *
                                    static_cast<double>(now - desk_.first_request_ns) * 1e-9);
    due_ns_ = now + ttft_us * 1000;
    if (hit(NullFault::kReset)) return close(/*reset=*/true);
    if (hit(NullFault::kNotHttp)) return whole("220 null server ready\r\n\r\n");
    if (hit(NullFault::kStatus500)) {
      return whole(null_answer(500, R"({"error":{"message":"a made-up failure"}})"));
    }
    if (hit(NullFault::kStatus429)) {
      return whole(null_answer(429, R"({"error":{"message":"a made-up queue is full"}})"));
    }
    write(null_stream_head() + (options.role_event ? null_role_event() : ""));
    if (hit(NullFault::kEmpty)) return finish();
    later();
  }

 private:
  enum class Phase { kIdle, kWaiting, kServing };

  bool hit(NullFault fault) const {
    return desk_.options.fault == fault && number_ % desk_.options.fault_every == 0;
  }

  void take_request() {
    const size_t end = in_.find("\r\n\r\n");
    if (end == in_.npos) return;
    const std::string_view head = std::string_view(in_).substr(0, end + 2);
    size_t length = 0;
    const std::string_view said = null_header(head, "content-length");
    std::from_chars(said.data(), said.data() + said.size(), length);
    if (in_.size() < end + 4 + length) return;
    const std::string_view body = std::string_view(in_).substr(end + 4, length);
    const bool post = head.starts_with("POST ");
    if (post) request_ = parse_null_request(head, body);
    const bool models = head.starts_with("GET /v1/models");
    in_.erase(0, end + 4 + length);
    if (!post) {
      write(models ? null_answer(
                         200, R"({"object":"list","data":[{"id":"null","max_model_len":1048576}]})")
                   : null_answer(200, "{}"));
      return;
    }
    received_ns_ = desk_.loop.now_ns();
    first_write_ns_ = last_write_ns_ = 0;
    sent_ = 0;
    warm_ = false;
    number_ = desk_.requests++;
    if (number_ == 0) {
      desk_.first_request_ns = received_ns_;
      desk_.stand_still();
    }
    phase_ = Phase::kWaiting;
    desk_.waiting.push_back(this);
    desk_.next_in_line();
  }

  void later() {
    timer_ = desk_.loop.at(due_ns_, [this] { step(); });
  }

  // Sends the events that are due.
  void step() {
    for (int i = 0; i < kEventsATurn; ++i) {
      if (!out_.empty()) return;  // goes on when the client has read
      if (sent_ > 0 && sent_ >= request_.max_tokens / 2 && fail_midway()) return;
      const int tokens =
          std::min(desk_.options.tokens_per_event, request_.max_tokens - static_cast<int>(sent_));
      sent_ += tokens;
      const bool last = sent_ >= request_.max_tokens;
      NullRequest said = request_;
      said.continuous =
          said.continuous && !hit(NullFault::kNoUsage) && !hit(NullFault::kWrongUsage);
      const bool wrong = hit(NullFault::kWrongUsage);
      last_write_ns_ = desk_.loop.now_ns();
      if (first_write_ns_ == 0) first_write_ns_ = last_write_ns_;
      write(null_token_event(said, tokens, static_cast<int>(wrong ? sent_ / 2 : sent_), last));
      if (fd_gone_) return;
      if (last) return finish();
      due_ns_ += desk_.options.itl_us * 1000;
      if (desk_.options.itl_us > 0) break;
    }
    later();
  }

  bool fail_midway() {
    if (hit(NullFault::kStall)) return true;
    if (hit(NullFault::kCloseEarly)) close();
    if (hit(NullFault::kBrokenSse)) write(null_chunk("data: {\"choices\": oops\n\n"));
    if (hit(NullFault::kErrorEvent)) {
      write(null_chunk("data: {\"error\":{\"message\":\"a made-up error\"}}\n\n"));
    }
    if (hit(NullFault::kLongLine)) write(null_long_line());
    const NullFault fault = desk_.options.fault;
    const bool failed = fault == NullFault::kCloseEarly || fault == NullFault::kBrokenSse ||
                        fault == NullFault::kErrorEvent || fault == NullFault::kLongLine;
    return failed && hit(fault);
  }

  void finish() {
    std::string end;
    if (request_.usage && !hit(NullFault::kNoUsage)) {
      const int64_t tokens = hit(NullFault::kWrongUsage) ? sent_ / 2 : sent_;
      end = null_usage_event(request_, tokens, warm_ ? request_.prompt_tokens : 0);
    }
    whole(end + null_done());
  }

  void whole(const std::string& bytes) {
    log_request();  // before the client can know that it has ended
    write(bytes);
    if (fd_gone_) return;
    ended();
    if (!in_.empty()) take_request();
  }

  void ended() {
    if (phase_ == Phase::kServing) --desk_.running;
    if (phase_ == Phase::kWaiting) std::erase(desk_.waiting, this);
    phase_ = Phase::kIdle;
    desk_.next_in_line();
  }

  void log_request() const {
    if (!desk_.log) return;
    std::fprintf(desk_.log,
                 "{\"id\":\"%s\",\"number\":%lld,\"received_ns\":%lld,\"first_ns\":%lld,"
                 "\"last_ns\":%lld,\"tokens\":%lld,\"warm\":%s}\n",
                 request_.id.c_str(), static_cast<long long>(number_),
                 static_cast<long long>(received_ns_), static_cast<long long>(first_write_ns_),
                 static_cast<long long>(last_write_ns_), static_cast<long long>(sent_),
                 warm_ ? "true" : "false");
    std::fflush(desk_.log);
  }

  void write(const std::string& bytes) {
    if (fd_gone_) return;
    if (out_.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent == static_cast<ssize_t>(bytes.size())) return;
      if (sent < 0 && errno != EAGAIN) return close();
      out_.assign(bytes, static_cast<size_t>(std::max<ssize_t>(sent, 0)));
    } else {
      out_ += bytes;
    }
    desk_.loop.change(fd_, EPOLLIN | EPOLLOUT, *this);
  }

  void flush() {
    const ssize_t sent =
        ::send(fd_, out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return close();
    out_sent_ += static_cast<size_t>(std::max<ssize_t>(sent, 0));
    if (out_sent_ < out_.size()) return;
    out_.clear();
    out_sent_ = 0;
    desk_.loop.change(fd_, EPOLLIN, *this);
    if (phase_ == Phase::kServing && sent_ < request_.max_tokens) later();
  }

  void close(bool reset = false) {
    if (std::exchange(fd_gone_, true)) return;
    if (reset) {
      const linger now{1, 0};
      ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    desk_.loop.forget(fd_);
    ::shutdown(fd_, SHUT_RDWR);
    desk_.loop.cancel(timer_);
    ended();
    desk_.sessions.erase(this);
    desk_.dead.emplace_back(this);
    desk_.loop.at(0, [&desk = desk_] { desk.dead.clear(); });
  }

  Desk& desk_;
  const int fd_;
  Phase phase_ = Phase::kIdle;
  bool fd_gone_ = false, warm_ = false;
  std::string in_, out_;
  size_t out_sent_ = 0;
  NullRequest request_;
  int64_t number_ = 0, sent_ = 0;
  int64_t received_ns_ = 0, first_write_ns_ = 0, last_write_ns_ = 0, due_ns_ = 0;
  EventLoop::TimerId timer_{};
};

void Desk::next_in_line() {
  while (!waiting.empty() && (options.max_running == 0 || running < options.max_running)) {
    Session* const session = waiting.front();
    waiting.pop_front();
    session->serve();
  }
}

void Desk::stand_still() {
  if (options.stall_us == 0) return;
  loop.at(first_request_ns + options.stall_at_us * 1000, [this] {
    const int64_t begin = loop.now_ns();
    std::this_thread::sleep_for(std::chrono::microseconds(options.stall_us));
    if (!log) return;
    std::fprintf(log, "{\"stall_begin_ns\":%lld,\"stall_end_ns\":%lld}\n",
                 static_cast<long long>(begin), static_cast<long long>(loop.now_ns()));
  });
}

}  // namespace

struct NullServer::State final : EventLoop::Watcher {
  State(const NullServerOptions& wanted, const Clock& clock)
      : options(wanted), desk{options, EventLoop(clock)} {}
  ~State() override {
    for (Session* session : desk.sessions) delete session;
    if (desk.log) std::fclose(desk.log);
    if (listener >= 0) ::close(listener);
  }

  void on_ready(uint32_t) override {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    new Session(desk, fd);  // owned by the desk's set of sessions
  }

  const NullServerOptions options;
  Desk desk;
  int listener = -1;
};

Result<NullFault> parse_null_fault(const std::string& name) {
  std::string all;
  for (const auto& [known, fault] : kFaults) {
    if (known == name) return fault;
    all += (all.empty() ? "" : ", ") + std::string(known);
  }
  return invalid("--null-fault " + name + " is not known: write one of " + all);
}

NullServer::NullServer(const NullServerOptions& options, const Clock& clock)
    : state_(std::make_unique<State>(options, clock)) {}
NullServer::~NullServer() = default;

Result<int> NullServer::start() {
  const NullServerOptions& options = state_->options;
  if (!options.log_path.empty()) {
    state_->desk.log = std::fopen(options.log_path.c_str(), "w");
    if (!state_->desk.log) {
      return Error{
          ErrorCode::kIo, "cannot write " + options.log_path + ": " + std::strerror(errno), {}};
    }
  }
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  state_->listener = fd;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(options.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 4096) != 0) {
    return Error{
        ErrorCode::kIo,
        "cannot listen on 127.0.0.1:" + std::to_string(options.port) + ": " + std::strerror(errno),
        {}};
  }
  ::getsockname(fd, generic, &size);
  state_->desk.loop.watch(fd, EPOLLIN, *state_);
  return ntohs(address.sin_port);
}

void NullServer::run() { state_->desk.loop.run(); }
void NullServer::stop() { state_->desk.loop.stop(); }

}  // namespace kilotoken::bench
