#pragma once
// ClientSocket: a connected stream, plain or TLS, that never blocks. Internal to the client.

#include <openssl/ssl.h>

#include <string>

namespace kilotoken {

class ClientSocket {
 public:
  enum class Step { kDone, kWantRead, kWantWrite, kEnd, kFailed };

  ClientSocket(int fd, SSL* ssl) : fd_(fd), ssl_(ssl) {}
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  int fd() const { return fd_; }
  bool tls() const { return ssl_ != nullptr; }

  Step handshake(std::string& why);
  // kDone: `count` bytes were moved, at least one.
  Step read(char* data, size_t size, size_t& count, std::string& why);
  Step write(const char* data, size_t size, size_t& count, std::string& why);

 private:
  Step tls_step(int result, std::string& why);
  const int fd_;
  SSL* const ssl_;
};

}  // namespace kilotoken
