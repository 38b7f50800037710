// The client against a TLS server with a certificate that nobody vouches for.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/client.h"

namespace kilotoken {
namespace {

// Answers one connection after the other with a fixed text, until `connections` have come.
class TlsServer {
 public:
  explicit TlsServer(int connections) : context_(SSL_CTX_new(TLS_server_method())) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context_, certificate);
    SSL_CTX_use_PrivateKey(context_, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 8);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, connections] {
      for (int i = 0; i < connections; ++i) answer(::accept(listener_, nullptr, nullptr));
    });
  }
  ~TlsServer() {
    thread_.join();
    ::close(listener_);
    SSL_CTX_free(context_);
  }
  int port() const { return port_; }

 private:
  void answer(int fd) {
    SSL* const ssl = SSL_new(context_);
    SSL_set_fd(ssl, fd);
    char request[4096];
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0) {
      const std::string_view text = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
      SSL_write(ssl, text.data(), static_cast<int>(text.size()));
      SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    ::close(fd);
  }

  SSL_CTX* context_;
  int listener_ = -1, port_ = 0;
  std::thread thread_;
};

TEST(ClientTls, TalksToWhomItTrusts) {
  const TlsServer server(2);
  const Url url = parse_url("https://127.0.0.1:" + std::to_string(server.port())).value();
  const auto trusting = ClientTarget::resolve(url, /*insecure=*/true).value();
  const auto answer = http_fetch(trusting, "GET", "/", {}, "", 20'000);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer->body, "secret");
  const auto careful = ClientTarget::resolve(url, /*insecure=*/false).value();
  const auto refused = http_fetch(careful, "GET", "/", {}, "", 20'000);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("the server's certificate"), std::string::npos)
      << refused.error().message;
}

}  // namespace
}  // namespace kilotoken
