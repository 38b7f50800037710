#include "net/url.h"

#include <charconv>

namespace kilotoken {
namespace {

Result<int> parse_port(std::string_view text, std::string_view url) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return invalid("\"" + std::string(url) + "\": \"" + std::string(text) +
                   "\" is no port: write a number from 1 to 65535");
  }
  return port;
}

}  // namespace

std::string Url::authority() const {
  const bool v6 = host.find(':') != host.npos;
  const std::string name = v6 ? "[" + host + "]" : host;
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

std::string Url::text() const { return (tls ? "https://" : "http://") + authority() + path; }

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.find("://") != rest.npos) {
    return invalid("\"" + std::string(text) + "\": only http:// and https:// are known");
  }
  if (rest.find_first_of(" \t\r\n@?#") != rest.npos) {
    return invalid("\"" + std::string(text) +
                   "\": write http://host:port/path, without spaces, user, query or fragment");
  }
  const size_t slash = rest.find('/');
  std::string_view host = rest.substr(0, slash);
  if (slash != rest.npos) url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == host.npos) return invalid("\"" + std::string(text) + "\": \"[\" without \"]\"");
    url.host = host.substr(1, end - 1);
    port = host.substr(end + 1);
    if (!port.empty() && port[0] != ':') {
      return invalid("\"" + std::string(text) + "\": after \"]\" comes a port or nothing");
    }
  } else {
    url.host = host.substr(0, host.find(':'));
    port = host.substr(url.host.size());
  }
  if (url.host.empty()) return invalid("\"" + std::string(text) + "\" names no host");
  if (!port.empty()) {
    KT_TRY(url.port, parse_port(port.substr(1), text));
  }
  return url;
}

}  // namespace kilotoken
