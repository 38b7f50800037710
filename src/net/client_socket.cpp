#include "net/client_socket.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace kilotoken {
namespace {

ClientSocket::Step plain_step(std::string& why) {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
    return ClientSocket::Step::kWantRead;
  }
  why = std::strerror(errno);
  return ClientSocket::Step::kFailed;
}

}  // namespace

ClientSocket::~ClientSocket() {
  if (ssl_) SSL_free(ssl_);
  ::close(fd_);
}

ClientSocket::Step ClientSocket::tls_step(int result, std::string& why) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnd;
    default:
      break;
  }
  std::array<char, 200> text{};
  const unsigned long code = ERR_get_error();
  if (code == 0) {
    why = "the connection ended within TLS";
  } else {
    ERR_error_string_n(code, text.data(), text.size());
    why = text.data();
  }
  ERR_clear_error();
  const long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK) {
    why = std::string("the server's certificate: ") + X509_verify_cert_error_string(verified) +
          " (--insecure does not check it)";
  }
  return Step::kFailed;
}

ClientSocket::Step ClientSocket::handshake(std::string& why) {
  if (!ssl_) return Step::kDone;
  const int result = SSL_connect(ssl_);
  return result == 1 ? Step::kDone : tls_step(result, why);
}

ClientSocket::Step ClientSocket::read(char* data, size_t size, size_t& count, std::string& why) {
  if (ssl_) {
    const int result = SSL_read_ex(ssl_, data, size, &count);
    return result == 1 ? Step::kDone : tls_step(result, why);
  }
  const ssize_t got = ::recv(fd_, data, size, 0);
  if (got == 0) return Step::kEnd;
  if (got < 0) return plain_step(why);
  count = static_cast<size_t>(got);
  return Step::kDone;
}

ClientSocket::Step ClientSocket::write(const char* data, size_t size, size_t& count,
                                       std::string& why) {
  if (ssl_) {
    const int result = SSL_write_ex(ssl_, data, size, &count);
    return result == 1 ? Step::kDone : tls_step(result, why);
  }
  const ssize_t sent = ::send(fd_, data, size, MSG_NOSIGNAL);
  if (sent < 0) {
    const Step step = plain_step(why);
    return step == Step::kWantRead ? Step::kWantWrite : step;
  }
  count = static_cast<size_t>(sent);
  return Step::kDone;
}

}  // namespace kilotoken
