#pragma once
// What tests send to a server, and how they read its answers.

#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "net/test_client.h"

namespace kilotoken::test {

struct Answer {
  int status = 0;
  std::string headers;  // lower case names, as sent
  std::string body;     // chunks put together

  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  std::string header(const std::string& name) const {
    const size_t at = headers.find("\r\n" + name + ": ");
    if (at == headers.npos) return {};
    const size_t begin = at + name.size() + 4;
    return headers.substr(begin, headers.find("\r\n", begin) - begin);
  }
};

// The bytes of a request, closing the connection after it.
inline std::string request_text(const std::string& method, const std::string& path,
                                const std::string& body = {}, const std::string& headers = {}) {
  return method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body;
}

inline Answer parse_answer(const std::string& text) {
  Answer answer;
  const size_t end = text.find("\r\n\r\n");
  if (end == text.npos) return answer;
  answer.status = std::atoi(text.c_str() + 9);
  answer.headers = text.substr(0, end + 2);
  std::string rest = text.substr(end + 4);
  if (answer.header("transfer-encoding") != "chunked") {
    answer.body = rest;
    return answer;
  }
  while (!rest.empty()) {
    const size_t line = rest.find("\r\n");
    const size_t size = std::stoul(rest, nullptr, 16);
    if (size == 0) break;
    answer.body += rest.substr(line + 2, size);
    rest.erase(0, line + 4 + size);
  }
  return answer;
}

inline Answer ask(int port, const std::string& text) {
  TestClient client(port);
  client.send(text);
  return parse_answer(client.read_to_end());
}

inline Answer post_json(int port, const std::string& path, const nlohmann::json& body,
                        const std::string& headers = {}) {
  return ask(port, request_text("POST", path, body.dump(),
                                "Content-Type: application/json\r\n" + headers));
}

inline Answer complete(int port, const nlohmann::json& body) {
  return post_json(port, "/v1/completions", body);
}

template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

// The value of one series, its labels as exposed; -1 when there is none.
inline double metric(int port, const std::string& series) {
  const std::string body = ask(port, request_text("GET", "/metrics")).body;
  const size_t at = body.find("\n" + series + " ");
  return at == body.npos ? -1 : std::stod(body.substr(at + series.size() + 2));
}

inline Answer chat(int port, const nlohmann::json& body) {
  return post_json(port, "/v1/chat/completions", body);
}

// The data of each event of a stream, "[DONE]" included.
inline std::vector<std::string> events(const std::string& body) {
  std::vector<std::string> data;
  for (size_t at = 0; at < body.size();) {
    const size_t end = body.find("\n\n", at);
    if (end == body.npos || body.compare(at, 6, "data: ") != 0) return {};
    data.push_back(body.substr(at + 6, end - at - 6));
    at = end + 2;
  }
  return data;
}

}  // namespace kilotoken::test
