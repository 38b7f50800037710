// kilotoken chat MODEL|URL: a conversation on the terminal, with a server that runs already or with
// one that lives as long as the conversation.

#include <unistd.h>
#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "cli/chat_client.h"
#include "cli/chat_history.h"
#include "cli/commands.h"
#include "cli/line_input.h"
#include "cli/model_options.h"
#include "net/server.h"
#include "serve/api/api.h"

namespace kilotoken {
namespace {

struct ChatOptions {
  ServeOptions model;
  std::string api_key, system;
  std::optional<float> temperature;
  std::optional<int> max_tokens;
  std::optional<uint64_t> seed;
};

constexpr const char* kHelp =
    "  a line ending in \\ goes on in the next; \"\"\" alone begins and ends many lines\n"
    "  /system [TEXT]   set the system prompt, or show it\n"
    "  /reset           begin anew (the system prompt stays)\n"
    "  /save FILE       write the conversation, as JSON if FILE ends in .json, else as Markdown\n"
    "  /help            this\n"
    "  /quit            end (so does Ctrl-D); Ctrl-C stops an answer\n";

// A server of our own, on a port of the loopback interface that nobody else has.
class OwnServer {
 public:
  static Result<std::unique_ptr<OwnServer>> start(const ServeOptions& options) {
    std::unique_ptr<OwnServer> own(new OwnServer);
    KT_TRY(own->model_,
           ServedModel::load(options, {own->clock_, own->log_, nullptr, loading_progress()}));
    ApiConfig config;
    config.served_model_names = {options.model};
    config.version = KILOTOKEN_VERSION;
    own->api_.emplace(config, *own->model_, own->metrics_, own->clock_);
    HttpServerConfig http;
    http.port = 0;
    own->server_.emplace(http, *own->api_);
    KT_TRY(const int port, own->server_->start());
    own->url_ = "http://127.0.0.1:" + std::to_string(port);
    return own;
  }
  ~OwnServer() {
    if (server_) server_->stop_accepting();
    if (model_) model_->engine().stop();
    if (server_) server_->stop();
  }
  const std::string& url() const { return url_; }

 private:
  OwnServer() = default;
  const SystemClock clock_{};
  const Log log_{Log::Level::kWarn};
  MetricsRegistry metrics_;
  std::unique_ptr<ServedModel> model_;
  std::optional<Api> api_;
  std::optional<HttpServer> server_;
  std::string url_;
};

// Ctrl-C reaches the main thread alone: there it ends an answer, or the wait for a line.
std::atomic<ChatClient*> answering{nullptr};
void on_interrupt(int) {
  if (ChatClient* client = answering.load()) client->stop();
}

void mask_interrupts(int how) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(how, &set, nullptr);
}

class Chat {
 public:
  Chat(const ChatOptions& options, ChatClient& client)
      : options_(options), client_(client), person_(isatty(STDIN_FILENO) == 1) {
    said_.set_system(options.system);
  }

  Result<void> run() {
    if (person_) note("chatting with " + client_.model() + "; /help tells what can be said\n");
    std::string text;
    for (;;) {
      const LineInput::Got got = read_message(text);
      if (got == LineInput::Got::kEnd) break;
      if (got == LineInput::Got::kInterrupted) {
        note("\n(/quit or Ctrl-D ends)\n");
        continue;
      }
      if (text.empty()) continue;
      if (text == "/quit" || text == "/exit") break;
      if (text.front() == '/') {
        command(text);
      } else if (Result<void> answered = answer(text); !answered.ok()) {
        return answered;
      }
    }
    return {};
  }

 private:
  void note(const std::string& text) const {
    std::fputs(text.c_str(), stderr);
    std::fflush(stderr);
  }

  void prompt(const char* text) const {
    if (person_) note(text);
  }

  // A message may be many lines: each but the last ends in a backslash, or they are between two
  // lines of """.
  LineInput::Got read_message(std::string& text) {
    text.clear();
    prompt("\n> ");
    std::string line;
    LineInput::Got got = input_.next(line);
    if (got != LineInput::Got::kLine) return got;
    if (line == "\"\"\"") {
      for (;;) {
        prompt(". ");
        got = input_.next(line);
        if (got == LineInput::Got::kInterrupted) return got;
        if (got == LineInput::Got::kEnd || line == "\"\"\"") return LineInput::Got::kLine;
        text += (text.empty() ? "" : "\n") + line;
      }
    }
    while (line.ends_with("\\")) {
      text += line.substr(0, line.size() - 1) + "\n";
      prompt(". ");
      got = input_.next(line);
      if (got == LineInput::Got::kInterrupted) return got;
      if (got == LineInput::Got::kEnd) line.clear();
    }
    text += line;
    return LineInput::Got::kLine;
  }

  void command(const std::string& text) {
    const size_t space = std::min(text.find(' '), text.size());
    const std::string name = text.substr(0, space);
    const std::string rest = text.substr(std::min(space + 1, text.size()));
    if (name == "/help") {
      note(kHelp);
    } else if (name == "/reset") {
      said_.reset();
      note("(begun anew)\n");
    } else if (name == "/system") {
      if (!rest.empty()) said_.set_system(rest);
      note(said_.system().empty() ? "(no system prompt)\n" : "(system: " + said_.system() + ")\n");
    } else if (name == "/save") {
      if (rest.empty()) return note("/save needs the name of a file\n");
      const Result<void> saved = said_.save(rest);
      note(saved.ok() ? "(" + std::to_string(said_.size()) + " messages saved in " + rest + ")\n"
                      : saved.error().message + "\n");
    } else {
      note("there is no " + name + "; /help lists what there is\n");
    }
  }

  OrderedJson request() const {
    OrderedJson request = {{"messages", said_.messages()}};
    if (options_.temperature) request["temperature"] = *options_.temperature;
    if (options_.max_tokens) request["max_tokens"] = *options_.max_tokens;
    if (options_.seed) request["seed"] = *options_.seed;
    return request;
  }

  Result<void> answer(const std::string& text) {
    said_.add("user", text);
    std::string pending;
    bool printed = true;
    answering = &client_;
    const Result<ChatAnswer> answer = client_.ask(request(), [&](std::string_view piece) {
      const std::string shown = shown_text(piece, pending);
      printed = std::fwrite(shown.data(), 1, shown.size(), stdout) == shown.size() &&
                std::fflush(stdout) == 0 && printed;
    });
    answering = nullptr;
    if (!answer.ok()) {
      said_.drop_last();  // it may be asked again
      // A person sees what was wrong and goes on; a script must not take it for an answer.
      if (!person_) return answer.error();
      note(answer.error().message + "\n");
      return {};
    }
    printed = std::fputs("\n", stdout) >= 0 && std::fflush(stdout) == 0 && printed;
    if (!printed) return Error{ErrorCode::kIo, "cannot write to standard output", {}};
    said_.add("assistant", answer->text);
    note(figures(*answer));
    return {};
  }

  static std::string figures(const ChatAnswer& answer) {
    const double seconds = (answer.last_token_ms - answer.first_token_ms) * 1e-3;
    const int later = answer.completion_tokens - 1;
    char text[200];
    std::snprintf(text, sizeof text,
                  "(first token %.0f ms, %.1f tok/s, %d tokens, %d of %d cached%s",
                  answer.first_token_ms, later > 0 && seconds > 0 ? later / seconds : 0.0,
                  answer.completion_tokens, answer.cached_tokens, answer.prompt_tokens,
                  answer.stopped ? ", stopped" : "");
    const bool limit = answer.finish_reason == "length";
    return std::string(text) + (limit ? ", ended at the token limit" : "") +
           (answer.ignored.empty() ? "" : ", not known to the server: " + answer.ignored) + ")\n";
  }

  const ChatOptions& options_;
  ChatClient& client_;
  const bool person_;
  LineInput input_;
  ChatHistory said_;
};

bool is_url(std::string_view model) {
  return model.starts_with("http://") || model.starts_with("https://");
}

Result<void> chat(const ChatOptions& options) {
  const std::string& model = options.model.model;
  const bool remote = is_url(model);
  std::unique_ptr<OwnServer> own;
  mask_interrupts(SIG_BLOCK);  // for the threads that are started here
  if (!remote) {
    KT_TRY(own, OwnServer::start(options.model));
  }
  KT_TRY(const std::unique_ptr<ChatClient> client,
         ChatClient::connect({remote ? model : own->url(), remote ? options.api_key : ""}));
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: it must interrupt the wait for a line
  sigaction(SIGINT, &action, nullptr);
  mask_interrupts(SIG_UNBLOCK);
  return Chat(options, *client).run();
}

}  // namespace

namespace {

// Flags that were given, are of these groups and have no effect are said to have none.
void say_idle(const CLI::App& command, std::initializer_list<std::string> groups,
              const char* because) {
  for (const CLI::Option* option : command.get_options()) {
    const bool in_group =
        std::find(groups.begin(), groups.end(), option->get_group()) != groups.end();
    if (!in_group || option->get_positional() || option->count() == 0) continue;
    std::fprintf(stderr, "kilotoken: %s has no effect: %s\n", option->get_name().c_str(), because);
  }
}

}  // namespace

Command add_chat(CLI::App& program) {
  auto options = std::make_shared<ChatOptions>();
  CLI::App* command = program.add_subcommand(
      "chat", "Chat on the terminal with a model, or with a server by its URL");
  add_model_options(*command, options->model);
  command->get_option("model")->description(
      "demo (built in), a model directory, a .gguf file, or the URL of a server");
  const std::string group = "Chat";
  command->add_option("--system", options->system, "the system prompt")->group(group);
  command->add_option("--temperature", options->temperature, "0 = greedy; default: the server's")
      ->group(group);
  command
      ->add_option("--max-tokens", options->max_tokens,
                   "tokens of an answer at most; default: the server's")
      ->check(CLI::PositiveNumber)
      ->group(group);
  command
      ->add_option("--seed", options->seed, "of the random numbers; default: a new one each time")
      ->group(group);
  command->add_option("--api-key", options->api_key, "the key that the server at the URL asks for")
      ->group("Server");
  return [options, command] {
    if (is_url(options->model.model)) {
      say_idle(*command, {"Model and memory", "Scheduling"}, "the server at the URL has its own");
    } else {
      say_idle(*command, {"Server"}, "a model in this process asks for no key");
    }
    return chat(*options);
  };
}

}  // namespace kilotoken
