#include "cli/chat_client.h"

#include <utility>

#include "net/sse_reader.h"

namespace kilotoken {
namespace {

constexpr size_t kMostEventBytes = 16 << 20;

// The server's own words of what is wrong, or the status.
std::string reason_of(int status, const std::string& body) {
  const auto parsed = parse_json(body, "answer");
  if (parsed.ok() && parsed->is_object() && parsed->contains("error")) {
    const Json& error = (*parsed)["error"];
    if (error.is_object() && error.value("message", Json()).is_string()) {
      return error["message"].get<std::string>();
    }
  }
  return "HTTP status " + std::to_string(status);
}

int count_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

// Takes in one streamed answer.
class Stream final : public ClientHandler, SseReader::Sink {
 public:
  Stream(EventLoop& loop, const std::function<void(std::string_view)>& on_text)
      : loop_(loop), on_text_(on_text), began_ns_(loop.now_ns()) {}

  void on_sent(int64_t) override {}
  void on_head(int status, const HttpHeaders& headers, int64_t) override {
    status_ = status;
    for (const auto& [name, value] : headers) {
      if (name == "x-ignored-params") answer.ignored = value;
    }
  }
  void on_body(std::string_view piece, int64_t ns) override {
    now_ns_ = ns;
    if (status_ != 200) {
      body_.append(piece);
    } else if (!reader_.read(piece, *this)) {
      error = "an event of the answer is too long";
      loop_.stop();
    }
  }
  void on_end(ClientEnd end, const std::string& detail, int64_t) override {
    ended = true;
    if (status_ != 200 && end == ClientEnd::kComplete) error = reason_of(status_, body_);
    if (end != ClientEnd::kComplete) error = detail;
    if (error.empty() && !done_) error = "the answer broke off";
    loop_.stop();
  }

  ChatAnswer answer;
  std::string error;
  bool ended = false;

 private:
  void on_event(std::string_view data, std::string_view) override {
    if (data == "[DONE]") {
      done_ = true;
      return;
    }
    const auto chunk = parse_json(data, "event");
    if (!chunk.ok() || !chunk->is_object()) {
      error = "the server sent what is no chunk of an answer";
      return;
    }
    if (chunk->contains("error")) error = reason_of(500, std::string(data));
    if (const auto usage = chunk->find("usage"); usage != chunk->end() && usage->is_object()) {
      read_usage(*usage);
    }
    const auto choices = chunk->find("choices");
    if (choices == chunk->end() || !choices->is_array() || choices->empty()) return;
    read_choice(choices->front());
  }

  void read_choice(const Json& choice) {
    if (!choice.is_object()) return;
    if (const Json reason = choice.value("finish_reason", Json()); reason.is_string()) {
      answer.finish_reason = reason.get<std::string>();
    }
    const Json delta = choice.value("delta", Json::object());
    const Json content = delta.is_object() ? delta.value("content", Json()) : Json();
    if (!content.is_string() || content.get_ref<const std::string&>().empty()) return;
    const double ms = static_cast<double>(now_ns_ - began_ns_) * 1e-6;
    if (answer.text.empty()) answer.first_token_ms = ms;
    answer.last_token_ms = ms;
    const auto& text = content.get_ref<const std::string&>();
    answer.text += text;
    on_text_(text);
  }

  void read_usage(const Json& usage) {
    answer.prompt_tokens = count_in(usage, "prompt_tokens");
    answer.completion_tokens = count_in(usage, "completion_tokens");
    const Json details = usage.value("prompt_tokens_details", Json());
    if (details.is_object()) answer.cached_tokens = count_in(details, "cached_tokens");
  }

  EventLoop& loop_;
  const std::function<void(std::string_view)>& on_text_;
  const int64_t began_ns_;
  int64_t now_ns_ = 0;
  int status_ = 0;
  bool done_ = false;
  std::string body_;
  SseReader reader_{kMostEventBytes};
};

}  // namespace

ChatClient::ChatClient(const ChatServer& server, std::shared_ptr<const ClientTarget> target)
    : server_(server), target_(std::move(target)) {}

HttpHeaders ChatClient::headers() const {
  HttpHeaders headers{{"content-type", "application/json"}};
  if (!server_.api_key.empty()) {
    headers.emplace_back("authorization", "Bearer " + server_.api_key);
  }
  return headers;
}

Result<std::unique_ptr<ChatClient>> ChatClient::connect(const ChatServer& server) {
  constexpr int kTimeoutMs = 10'000;
  KT_TRY(const Url url, parse_url(server.url));
  KT_TRY(auto target, ClientTarget::resolve(url, /*insecure=*/false));
  std::unique_ptr<ChatClient> client(new ChatClient(server, std::move(target)));
  KT_TRY(const HttpAnswer answer,
         http_fetch(client->target_, "GET", "/v1/models", client->headers(), {}, kTimeoutMs));
  if (answer.status != 200) {
    return invalid(server.url + ": " + reason_of(answer.status, answer.body) +
                   (answer.status == 401 ? " (--api-key KEY gives one)" : ""));
  }
  KT_TRY(const Json models, parse_json(answer.body, server.url + "/v1/models"));
  const Json data = models.is_object() ? models.value("data", Json()) : Json();
  const bool named = data.is_array() && !data.empty() && data.front().is_object() &&
                     data.front().value("id", Json()).is_string();
  if (!named) return invalid(server.url + "/v1/models names no model: is this an OpenAI server?");
  client->model_ = data.front()["id"].get<std::string>();
  return client;
}

Result<ChatAnswer> ChatClient::ask(OrderedJson request,
                                   const std::function<void(std::string_view)>& on_text) {
  request["model"] = model_;
  request["stream"] = true;
  // Counts in every piece, so that a stopped answer has them as well.
  request["stream_options"] = {{"include_usage", true}, {"continuous_usage_stats", true}};
  Stream stream(loop_, on_text);
  {
    HttpClient client(loop_, target_);  // going, it closes the connection: the server stops too
    client.send(
        http_request(target_->url(), "POST", "/v1/chat/completions", headers(), request.dump()),
        stream);
    loop_.run();
  }
  if (!stream.error.empty()) return Error{ErrorCode::kUnavailable, stream.error, {}};
  stream.answer.stopped = !stream.ended;
  return std::move(stream.answer);
}

}  // namespace kilotoken
