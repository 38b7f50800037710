#include "measure/bench/null_stream.h"

#include <array>
#include <charconv>
#include <functional>

#include "net/http.h"

namespace kilotoken::bench {
namespace {

// What follows `"name":` as a number.
int64_t number_after(std::string_view body, std::string_view name, int64_t fallback) {
  const std::string key = "\"" + std::string(name) + "\":";
  const size_t at = body.find(key);
  if (at == body.npos) return fallback;
  int64_t value = fallback;
  std::from_chars(body.data() + at + key.size(), body.data() + body.size(), value);
  return value;
}

std::string usage_json(const NullRequest& request, int64_t tokens, int64_t cached) {
  return R"({"prompt_tokens":)" + std::to_string(request.prompt_tokens) +
         R"(,"completion_tokens":)" + std::to_string(tokens) +
         R"(,"prompt_tokens_details":{"cached_tokens":)" + std::to_string(cached) + "}}";
}

}  // namespace

std::string_view null_header(std::string_view head, std::string_view name) {
  for (size_t at = 0; (at = head.find("\r\n", at)) != head.npos;) {
    at += 2;
    const std::string_view line = head.substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool same = true;
    for (size_t i = 0; i < name.size(); ++i) same = same && (line[i] | 0x20) == (name[i] | 0x20);
    if (!same) continue;
    std::string_view value = line.substr(name.size() + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return {};
}

NullRequest parse_null_request(std::string_view head, std::string_view body) {
  NullRequest request;
  request.chat = head.find("chat/completions") != head.npos;
  request.max_tokens = static_cast<int>(number_after(body, "max_tokens", 16));
  request.usage = body.find("\"include_usage\":true") != body.npos;
  request.continuous = body.find("\"continuous_usage_stats\":true") != body.npos;
  request.id = null_header(head, "x-request-id");
  const size_t begin = body.find(request.chat ? "\"messages\":" : "\"prompt\":");
  const std::string_view prompt =
      begin == body.npos ? body : body.substr(begin, body.find("\"max_tokens\"") - begin);
  // A word or an id each, roughly: the null server has no tokenizer.
  int64_t gaps = 0;
  for (const char c : prompt) gaps += c == ' ' || c == ',';
  request.prompt_tokens = gaps + 1;
  request.prompt_hash = std::hash<std::string_view>{}(prompt.substr(0, 256));
  return request;
}

std::string null_stream_head() {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
}

std::string null_chunk(std::string_view data) {
  std::array<char, 20> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  std::string chunk(size.data(), end);
  chunk.append("\r\n").append(data).append("\r\n");
  return chunk;
}

std::string null_role_event() {
  return null_chunk(
      "data: {\"id\":\"null-0\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
      "\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n");
}

std::string null_token_event(const NullRequest& request, int tokens, int sent, bool last) {
  std::string text;
  for (int i = 0; i < tokens; ++i) text += " word";
  std::string event = "data: {\"id\":\"null-0\",\"object\":\"";
  event += request.chat ? "chat.completion.chunk" : "text_completion";
  event += "\",\"created\":1700000000,\"model\":\"null\",\"choices\":[{\"index\":0,";
  event += request.chat ? "\"delta\":{\"content\":\"" + text + "\"}" : "\"text\":\"" + text + "\"";
  event += last ? ",\"finish_reason\":\"length\"}]" : ",\"finish_reason\":null}]";
  if (request.continuous) event += ",\"usage\":" + usage_json(request, sent, 0);
  return null_chunk(event + "}\n\n");
}

std::string null_usage_event(const NullRequest& request, int64_t tokens, int64_t cached) {
  return null_chunk("data: {\"id\":\"null-0\",\"choices\":[],\"usage\":" +
                    usage_json(request, tokens, cached) + "}\n\n");
}

std::string null_done() { return null_chunk("data: [DONE]\n\n") + "0\r\n\r\n"; }

std::string null_long_line() {
  return null_chunk("data: {\"choices\":[{\"text\":\"" + std::string(100 << 20, 'x') + "\"}]}\n\n");
}

std::string null_answer(int status, std::string_view body) {
  std::string answer =
      "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) +
      "\r\ncontent-type: application/json\r\ncontent-length: " + std::to_string(body.size()) +
      "\r\n\r\n";
  return answer.append(body);
}

}  // namespace kilotoken::bench
