// kilotoken generate MODEL --prompt ...: one prompt, its text on standard output as it comes.

#include <CLI/CLI.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "cli/commands.h"
#include "cli/model_options.h"

namespace kilotoken {
namespace {

struct GenerateOptions {
  ServeOptions serve;
  std::string prompt;
  std::optional<float> temperature;
  int max_tokens = 128;
  std::vector<std::string> stop;
  bool ignore_eos = false;
};

// Hands text from the engine's thread to the thread that prints.
class TextQueue final : public OutputSink {
 public:
  void on_delta(const ChoiceDelta& delta) override {
    const std::lock_guard lock(mutex_);
    text_ += delta.text;
    error_ = delta.error;
    ended_ = delta.finish.has_value();
    changed_.notify_one();
  }

  struct Piece {
    std::string text, error;
    bool ended;
  };
  Piece wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !text_.empty(); });
    return {std::exchange(text_, {}), error_, ended_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_, error_;
  bool ended_ = false;
};

Result<void> print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return {};
  }
  return Error{
      ErrorCode::kIo, std::string("cannot write to standard output: ") + std::strerror(errno), {}};
}

Result<std::shared_ptr<const Request>> make_request(const GenerateOptions& options,
                                                    ServedModel& model) {
  auto request = std::make_shared<Request>();
  request->id = 1;
  if (!model.tokenizer()) {
    return invalid(options.serve.model + " has no tokenizer: serve it, and send prompts as ids");
  }
  KT_TRY(request->prompt, model.tokenizer()->encode(options.prompt, true));
  if (request->prompt.empty()) return invalid("--prompt: the model needs at least one token");
  const int room = model.max_model_len() - static_cast<int>(request->prompt.size());
  if (options.max_tokens > room) {
    return invalid("--max-tokens " + std::to_string(options.max_tokens) + ": the prompt leaves " +
                   std::to_string(std::max(room, 0)) + " tokens of the context of " +
                   std::to_string(model.max_model_len()));
  }
  const GenerationDefaults& defaults = model.defaults();
  SamplingParams& sampling = request->sampling;
  sampling.temperature =
      options.temperature.value_or(defaults.do_sample ? defaults.temperature.value_or(1.0f) : 0.0f);
  sampling.top_k = defaults.top_k.value_or(0);
  sampling.top_p = defaults.top_p.value_or(1.0f);
  sampling.min_p = defaults.min_p.value_or(0.0f);
  sampling.repetition_penalty = defaults.repetition_penalty.value_or(1.0f);
  sampling.max_tokens = options.max_tokens;
  sampling.stop = options.stop;
  sampling.ignore_eos = options.ignore_eos;
  sampling.seed = model.seed_for_request();
  request->eos_token_ids = defaults.eos_token_ids;
  KT_TRY_VOID(validate(sampling, model.config().vocab_size));
  return std::shared_ptr<const Request>(std::move(request));
}

Result<void> generate(const GenerateOptions& options) {
  const SystemClock clock;
  const Log log(Log::Level::kWarn);
  KT_TRY(const std::unique_ptr<ServedModel> model,
         ServedModel::load(options.serve, {clock, log, nullptr, loading_progress()}));
  KT_TRY(std::shared_ptr<const Request> request, make_request(options, *model));
  const auto queue = std::make_shared<TextQueue>();
  KT_TRY_VOID(model->engine().submit(std::move(request), queue));
  for (;;) {
    const TextQueue::Piece piece = queue->wait();
    KT_TRY_VOID(print(piece.text));
    if (!piece.error.empty()) return Error{ErrorCode::kInternal, piece.error, {}};
    if (piece.ended) break;
  }
  KT_TRY_VOID(print("\n"));
  std::fprintf(stderr, "kernels: %s\n", std::string(model->kernels_name()).c_str());
  return {};
}

}  // namespace

Command add_generate(CLI::App& program) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = program.add_subcommand("generate", "Continue one prompt on the terminal");
  add_model_options(*command, options->serve);
  command->add_option("--prompt", options->prompt, "the text to continue")->required();
  command->add_option("--max-tokens", options->max_tokens, "tokens to generate at most")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--temperature", options->temperature,
                      "0 = greedy; default: the model's generation_config.json, or 1");
  command->add_option("--seed", options->serve.seed, "of the random numbers; default: a new one");
  command->add_option("--stop", options->stop, "text that ends the answer; may be repeated");
  command->add_flag("--ignore-eos", options->ignore_eos, "go on past the end-of-text token");
  return [options] { return generate(*options); };
}

}  // namespace kilotoken
