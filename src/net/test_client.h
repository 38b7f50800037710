#pragma once
// A client for the server's tests: plain blocking sockets, so that every byte is under control.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace kilotoken {

class TestClient {
 public:
  explicit TestClient(int port, int receive_buffer_bytes = 0) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer_bytes > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  bool readable() const {  // without waiting
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) > 0;
  }

  // Reads until `text` has arrived or the connection has ended; everything read and not yet taken.
  std::string read_until(std::string_view text) {
    while (received_.find(text) == received_.npos && receive()) {
    }
    const size_t at = received_.find(text);
    const size_t end = at == received_.npos ? received_.size() : at + text.size();
    std::string taken = received_.substr(0, end);
    received_.erase(0, end);
    return taken;
  }
  std::string read_bytes(size_t count) {
    while (received_.size() < count && receive()) {
    }
    std::string taken = received_.substr(0, count);
    received_.erase(0, taken.size());
    return taken;
  }
  std::string read_to_end() {
    while (receive()) {
    }
    return std::move(received_);
  }

  // One answer with a content-length: its header, then its body.
  std::string read_header() { return read_until("\r\n\r\n"); }
  std::string read_body(const std::string& header) {
    const size_t at = header.find("content-length: ");
    return at == header.npos ? "" : read_bytes(std::stoul(header.substr(at + 16)));
  }
  std::string read_answer() {
    std::string header = read_header();
    return header + read_body(header);
  }

  bool send_urgent(char byte) { return ::send(fd_, &byte, 1, MSG_OOB | MSG_NOSIGNAL) == 1; }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void reset() {  // as a client that dies with unread data
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

 private:
  bool receive() {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, 20'000) <= 0) return false;  // a server that says nothing fails the test
    char buffer[4096];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    received_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  int fd_ = -1;
  bool connected_ = false;
  std::string received_;
};

}  // namespace kilotoken
