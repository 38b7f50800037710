#pragma once
// ChatClient: one conversation with a server over its chat completions, an answer at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "net/client.h"

namespace kilotoken {

struct ChatServer {
  std::string url;      // "http://127.0.0.1:8000"
  std::string api_key;  // empty: none is sent
};

struct ChatAnswer {
  std::string text;
  std::string finish_reason;  // empty when it was stopped
  bool stopped = false;
  double first_token_ms = 0, last_token_ms = 0;  // from the sending of the request
  int prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
  std::string ignored;  // parameters that the server does not know
};

class ChatClient {
 public:
  static Result<std::unique_ptr<ChatClient>> connect(const ChatServer& server);

  const std::string& model() const { return model_; }  // the first that the server names

  // `request`: the body's fields but for model and streaming. `on_text` gets the answer's pieces.
  Result<ChatAnswer> ask(OrderedJson request, const std::function<void(std::string_view)>& on_text);

  void stop() { loop_.stop(); }  // ends ask(), whose answer is then `stopped`; any signal handler

 private:
  ChatClient(const ChatServer& server, std::shared_ptr<const ClientTarget> target);
  HttpHeaders headers() const;

  const SystemClock clock_;
  EventLoop loop_{clock_};
  const ChatServer server_;
  const std::shared_ptr<const ClientTarget> target_;
  std::string model_;
};

}  // namespace kilotoken
