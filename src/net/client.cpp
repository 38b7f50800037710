#include "net/client.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/client_socket.h"
#include "net/response_reader.h"

namespace kilotoken {

struct ClientTarget::Parts {
  Url url;
  sockaddr_storage address{};
  socklen_t address_length = 0;
  int family = 0;
  SSL_CTX* tls = nullptr;
  ~Parts() {
    if (tls) SSL_CTX_free(tls);
  }

  // Null: this target is not https.
  SSL* new_tls(int fd) const {
    if (!tls) return nullptr;
    SSL* ssl = SSL_new(tls);
    KT_CHECK(ssl != nullptr, "SSL_new");
    SSL_set_fd(ssl, fd);
    // A certificate names addresses apart from hosts, and SNI is for hosts alone.
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), url.host.c_str()) != 1) {
      SSL_set_tlsext_host_name(ssl, url.host.c_str());
      SSL_set1_host(ssl, url.host.c_str());
    }
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ssl;
  }
};

ClientTarget::ClientTarget(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClientTarget::~ClientTarget() = default;
const Url& ClientTarget::url() const { return parts_->url; }

Result<std::shared_ptr<const ClientTarget>> ClientTarget::resolve(const Url& url, bool insecure) {
  auto parts = std::make_unique<Parts>();
  parts->url = url;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(url.port);
  const int failure = ::getaddrinfo(url.host.c_str(), port.c_str(), &hints, &found);
  if (failure != 0) {
    return Error{
        ErrorCode::kNotFound, "host " + url.host + " is not known: " + gai_strerror(failure), {}};
  }
  std::memcpy(&parts->address, found->ai_addr, found->ai_addrlen);
  parts->address_length = found->ai_addrlen;
  parts->family = found->ai_family;
  ::freeaddrinfo(found);
  if (url.tls) {
    parts->tls = SSL_CTX_new(TLS_client_method());
    KT_CHECK(parts->tls != nullptr, "SSL_CTX_new");
    if (!insecure) {
      SSL_CTX_set_default_verify_paths(parts->tls);
      SSL_CTX_set_verify(parts->tls, SSL_VERIFY_PEER, nullptr);
    }
  }
  return std::shared_ptr<const ClientTarget>(new ClientTarget(std::move(parts)));
}

class HttpClient::Connection final : public EventLoop::Watcher,
                                     public ResponseReader::Sink,
                                     public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpClient& client, int fd, SSL* ssl) : client_(client), socket_(fd, ssl) {
    client_.loop_.watch(fd, EPOLLOUT, *this);
  }
  ~Connection() override { forget(); }

  void assign(Id new_id, std::string bytes, ClientHandler& new_handler) {
    id = new_id;
    handler = &new_handler;
    out_ = std::move(bytes);
    written_ = 0;
    got_bytes_ = false;
    reader_.begin();
    if (phase_ == Phase::kOpen) want(EPOLLIN | EPOLLOUT);
  }

  void forget() {
    client_.loop_.forget(socket_.fd());
    handler = nullptr;
  }

  void on_ready(uint32_t events) override {
    const auto self = shared_from_this();
    if (phase_ == Phase::kConnecting && !connected()) return;
    if (phase_ == Phase::kHandshake && !handshaken()) return;
    if (handler && written_ < out_.size() && !write()) return;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) read();
  }

  void on_head(int status, const HttpHeaders& headers) override {
    if (handler) handler->on_head(status, headers, now_);
  }
  void on_body(std::string_view piece) override {
    if (handler) handler->on_body(piece, now_);
  }

  Id id = 0;
  ClientHandler* handler = nullptr;
  bool reused = false;  // it served another request before
  // What a request that is sent again needs.
  bool untouched() const { return !got_bytes_; }
  std::string take_request() { return std::move(out_); }

 private:
  enum class Phase { kConnecting, kHandshake, kOpen };

  void want(uint32_t events) { client_.loop_.change(socket_.fd(), events, *this); }

  bool connected() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket_.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      client_.finished(
          *this, ClientEnd::kConnectFailed,
          "cannot connect to " + client_.target_->url().authority() + ": " + std::strerror(error));
      return false;
    }
    phase_ = socket_.tls() ? Phase::kHandshake : Phase::kOpen;
    return true;
  }

  bool handshaken() {
    std::string why;
    switch (socket_.handshake(why)) {
      case ClientSocket::Step::kDone:
        phase_ = Phase::kOpen;
        return true;
      case ClientSocket::Step::kWantRead:
        want(EPOLLIN);
        return false;
      case ClientSocket::Step::kWantWrite:
        want(EPOLLOUT);
        return false;
      default:
        client_.finished(*this, ClientEnd::kTlsFailed, "TLS: " + why);
        return false;
    }
  }

  bool write() {
    while (written_ < out_.size()) {
      std::string why;
      size_t count = 0;
      const auto step = socket_.write(out_.data() + written_, out_.size() - written_, count, why);
      if (step == ClientSocket::Step::kDone) {
        written_ += count;
        continue;
      }
      if (step == ClientSocket::Step::kWantWrite || step == ClientSocket::Step::kWantRead) {
        want(EPOLLIN | EPOLLOUT);
        return true;
      }
      client_.finished(*this, ClientEnd::kClosed, "while sending the request: " + why);
      return false;
    }
    want(EPOLLIN);
    handler->on_sent(client_.loop_.now_ns());
    return true;
  }

  // One read a turn, so that a busy connection does not hold up the others; TLS has to be emptied,
  // since what it holds makes no socket readable.
  void read() {
    for (bool more = true; more;) {
      std::string why;
      size_t count = 0;
      const auto step = socket_.read(client_.buffer_.data(), client_.buffer_.size(), count, why);
      now_ = client_.loop_.now_ns();
      if (step == ClientSocket::Step::kWantRead || step == ClientSocket::Step::kWantWrite) return;
      if (step != ClientSocket::Step::kDone) return ended(why);
      ++client_.counts_.reads;
      client_.counts_.read_bytes += static_cast<int64_t>(count);
      got_bytes_ = true;
      if (!handler) return client_.finished(*this, ClientEnd::kBroken, "");  // nobody asked
      std::string_view bytes(client_.buffer_.data(), count);
      const Result<void> read = reader_.read(bytes, *this);
      if (!handler) return;  // cancelled by its own news
      if (!read.ok()) return client_.finished(*this, ClientEnd::kBroken, read.error().message);
      if (reader_.complete()) {
        keep = reader_.keep_alive() && bytes.empty() && written_ == out_.size();
        return client_.finished(*this, ClientEnd::kComplete, "");
      }
      more = socket_.tls();
    }
  }

  void ended(const std::string& why) {
    if (handler && reader_.end_of_input()) {
      return client_.finished(*this, ClientEnd::kComplete, "");
    }
    client_.finished(*this, ClientEnd::kClosed,
                     why.empty() ? "the server closed the connection" : why);
  }

 public:
  bool keep = false;  // after its last answer

 private:
  HttpClient& client_;
  ClientSocket socket_;
  Phase phase_ = Phase::kConnecting;
  std::string out_;
  size_t written_ = 0;
  bool got_bytes_ = false;
  int64_t now_ = 0;
  ResponseReader reader_;
};

HttpClient::HttpClient(EventLoop& loop, std::shared_ptr<const ClientTarget> target)
    : loop_(loop), target_(std::move(target)), buffer_(64 << 10, '\0') {}

HttpClient::~HttpClient() {
  for (auto& [id, connection] : active_) connection->forget();
}

HttpClient::Id HttpClient::send(std::string bytes, ClientHandler& handler) {
  const Id id = next_id_++;
  if (idle_.empty()) {
    open(id, std::move(bytes), handler);
    return id;
  }
  const std::shared_ptr<Connection> connection = std::move(idle_.back());
  idle_.pop_back();
  connection->reused = true;
  connection->assign(id, std::move(bytes), handler);
  active_[id] = connection;
  return id;
}

void HttpClient::open(Id id, std::string bytes, ClientHandler& handler) {
  const ClientTarget::Parts& parts = *target_->parts_;
  const int fd = ::socket(parts.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int failure = fd < 0 ? errno : 0;
  if (fd >= 0) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* address = reinterpret_cast<const sockaddr*>(&parts.address);
    if (::connect(fd, address, parts.address_length) != 0 && errno != EINPROGRESS) failure = errno;
  }
  if (failure != 0) {
    if (fd >= 0) ::close(fd);
    const std::string why =
        "cannot connect to " + target_->url().authority() + ": " + std::strerror(failure);
    loop_.at(0, [this, &handler, why] {
      handler.on_end(ClientEnd::kConnectFailed, why, loop_.now_ns());
    });
    return;
  }
  ++counts_.opened;
  auto connection = std::make_shared<Connection>(*this, fd, parts.new_tls(fd));
  connection->assign(id, std::move(bytes), handler);
  active_[id] = std::move(connection);
}

void HttpClient::cancel(Id id) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  found->second->forget();
  active_.erase(found);
}

void HttpClient::finished(Connection& connection, ClientEnd end, const std::string& detail) {
  ClientHandler* const handler = std::exchange(connection.handler, nullptr);
  const std::shared_ptr<Connection> self = connection.shared_from_this();
  const Id id = connection.id;
  if (!handler) {  // an idle one: closed by the server, or it said something unasked
    connection.forget();
    std::erase(idle_, self);
    return;
  }
  active_.erase(id);
  if (end == ClientEnd::kComplete && connection.keep) {
    idle_.push_back(self);
  } else {
    connection.forget();
    if (end == ClientEnd::kClosed && connection.reused && connection.untouched()) {
      ++counts_.resent;
      return open(id, connection.take_request(), *handler);
    }
  }
  handler->on_end(end, detail, loop_.now_ns());
}

std::string http_request(const Url& url, std::string_view method, std::string_view path,
                         const HttpHeaders& headers, std::string_view body) {
  std::string text;
  text.reserve(body.size() + 512);
  text.append(method).append(" ").append(url.path).append(path).append(" HTTP/1.1\r\nHost: ");
  text.append(url.authority()).append("\r\n");
  for (const auto& [name, value] : headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  text.append("\r\n").append(body);
  return text;
}

namespace {

class Fetch final : public ClientHandler {
 public:
  explicit Fetch(EventLoop& loop) : loop_(loop) {}
  void on_sent(int64_t) override {}
  void on_head(int status, const HttpHeaders& headers, int64_t) override {
    answer.status = status;
    answer.headers = headers;
  }
  void on_body(std::string_view piece, int64_t) override { answer.body.append(piece); }
  void on_end(ClientEnd end, const std::string& detail, int64_t) override {
    whole = end == ClientEnd::kComplete;
    why = detail;
    loop_.stop();
  }

  HttpAnswer answer;
  bool whole = false;
  std::string why;

 private:
  EventLoop& loop_;
};

}  // namespace

Result<HttpAnswer> http_fetch(const std::shared_ptr<const ClientTarget>& target,
                              std::string_view method, std::string_view path,
                              const HttpHeaders& headers, std::string_view body, int timeout_ms) {
  const SystemClock clock{};
  EventLoop loop(clock);
  HttpClient client(loop, target);
  Fetch fetch(loop);
  client.send(http_request(target->url(), method, path, headers, body), fetch);
  loop.at(loop.now_ns() + int64_t{timeout_ms} * 1'000'000, [&] {
    fetch.why = "no answer within " + std::to_string(timeout_ms) + " ms";
    loop.stop();
  });
  loop.run();
  if (fetch.whole) return std::move(fetch.answer);
  return Error{
      ErrorCode::kUnavailable,
      std::string(method) + " " + target->url().text() + std::string(path) + ": " + fetch.why,
      {}};
}

}  // namespace kilotoken
