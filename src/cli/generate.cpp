// kilotoken generate MODEL: continues prompts, their texts on standard output in the order of the
// prompts, a single one's as it comes.

#include <CLI/CLI.hpp>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <sstream>

#include "base/files.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "serve/api/admission.h"

namespace kilotoken {
namespace {

struct GenerateOptions {
  ServeOptions serve;
  std::vector<std::string> prompts;
  std::string prompt_file;
  bool json = false;
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
    tokens_ += static_cast<int>(delta.tokens.size());
    cached_tokens_ = delta.cached_tokens;
    finish_ = delta.finish;
    changed_.notify_one();
  }

  struct Piece {
    std::string text, error;
    std::optional<FinishReason> finish;
    int tokens, cached_tokens;
  };
  Piece wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finish_ || !text_.empty(); });
    return {std::exchange(text_, {}), error_, finish_, tokens_, cached_tokens_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_, error_;
  std::optional<FinishReason> finish_;
  int tokens_ = 0, cached_tokens_ = 0;
};

Result<void> print(const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return {};
  }
  return Error{
      ErrorCode::kIo, std::string("cannot write to standard output: ") + std::strerror(errno), {}};
}

Result<std::string> read_standard_input() {
  std::string text;
  char piece[65536];
  while (const size_t count = std::fread(piece, 1, sizeof piece, stdin)) text.append(piece, count);
  if (std::ferror(stdin) == 0) return text;
  return Error{
      ErrorCode::kIo, std::string("cannot read standard input: ") + std::strerror(errno), {}};
}

// A .jsonl file has an object with "prompt" a line, any other file a prompt a line.
Result<std::vector<std::string>> read_prompts(const std::string& path) {
  KT_TRY(const std::string text, read_text_file(path));
  std::vector<std::string> prompts;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = path + ", line " + std::to_string(++number);
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (!path.ends_with(".jsonl")) {
      prompts.push_back(line);
      continue;
    }
    KT_TRY(const Json object, parse_json(line, where));
    if (!object.is_object() || !object.value("prompt", Json()).is_string()) {
      return invalid(where + ": wants an object with a \"prompt\" that is a text");
    }
    prompts.push_back(object["prompt"].get<std::string>());
  }
  if (prompts.empty()) return invalid(path + " holds no prompt");
  return prompts;
}

// Those of --prompt, then those of the file; with neither, standard input is one.
Result<std::vector<std::string>> prompts_of(const GenerateOptions& options) {
  std::vector<std::string> prompts = options.prompts;
  if (!options.prompt_file.empty()) {
    KT_TRY(const std::vector<std::string> more, read_prompts(options.prompt_file));
    prompts.insert(prompts.end(), more.begin(), more.end());
  }
  if (prompts.empty()) prompts.emplace_back("-");
  for (std::string& prompt : prompts) {
    if (prompt == "-") {
      KT_TRY(prompt, read_standard_input());
    }
  }
  return prompts;
}

Result<std::shared_ptr<const Request>> make_request(const GenerateOptions& options,
                                                    const std::string& prompt, RequestId id,
                                                    ServedModel& model) {
  auto request = std::make_shared<Request>();
  request->id = id;
  if (!model.tokenizer()) {
    return invalid(options.serve.model + " has no tokenizer: serve it, and send prompts as ids");
  }
  KT_TRY(request->prompt, model.tokenizer()->encode(prompt, true));
  if (request->prompt.empty())
    return invalid("a prompt is empty: the model needs at least one token");
  const int room = model.max_model_len() - static_cast<int>(request->prompt.size());
  if (options.max_tokens > room) {
    return invalid("--max-tokens " + std::to_string(options.max_tokens) + ": the prompt leaves " +
                   std::to_string(std::max(room, 0)) + " tokens of the context of " +
                   std::to_string(model.max_model_len()));
  }
  SamplingParams& sampling = request->sampling;
  sampling = default_sampling(model);
  if (options.temperature) sampling.temperature = *options.temperature;
  sampling.max_tokens = options.max_tokens;
  sampling.stop = options.stop;
  sampling.ignore_eos = options.ignore_eos;
  sampling.seed = model.seed_for_request();
  request->eos_token_ids = model.defaults().eos_token_ids;
  KT_TRY_VOID(validate(sampling, model.config().vocab_size));
  return std::shared_ptr<const Request>(std::move(request));
}

// One prompt's text to standard output: as it comes, or as an object on one line when it is over.
Result<void> print_answer(const GenerateOptions& options, const std::string& prompt,
                          int prompt_tokens, TextQueue& queue) {
  std::string text;
  for (;;) {
    const TextQueue::Piece piece = queue.wait();
    if (!piece.error.empty()) return Error{ErrorCode::kInternal, piece.error, {}};
    text += piece.text;
    if (!options.json) KT_TRY_VOID(print(piece.text));
    if (!piece.finish) continue;
    if (!options.json) return print("\n");
    const OrderedJson line = {{"prompt", prompt},
                              {"text", text},
                              {"finish_reason", name_of(*piece.finish)},
                              {"prompt_tokens", prompt_tokens},
                              {"cached_tokens", piece.cached_tokens},
                              {"completion_tokens", piece.tokens}};
    return print(line.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n");
  }
}

// As many prompts run at once as the engine takes; some more wait, so that it is never idle.
Result<void> generate(const GenerateOptions& options) {
  const SystemClock clock;
  const Log log(Log::Level::kWarn);
  KT_TRY(const std::vector<std::string> prompts, prompts_of(options));
  KT_TRY(const std::unique_ptr<ServedModel> model,
         ServedModel::load(options.serve, {clock, log, nullptr, loading_progress()}));
  std::vector<std::shared_ptr<const Request>> requests;
  for (const std::string& prompt : prompts) {
    KT_TRY(auto request, make_request(options, prompt, requests.size() + 1, *model));
    requests.push_back(std::move(request));
  }
  std::vector<std::shared_ptr<TextQueue>> queues;
  const auto most = static_cast<size_t>(options.serve.max_num_seqs) * 2;
  for (size_t i = 0; i < prompts.size(); ++i) {
    while (queues.size() < std::min(i + most, prompts.size())) {
      queues.push_back(std::make_shared<TextQueue>());
      KT_TRY_VOID(model->engine().submit(requests[queues.size() - 1], queues.back()));
    }
    KT_TRY_VOID(print_answer(options, prompts[i], static_cast<int>(requests[i]->prompt.size()),
                             *queues[i]));
  }
  std::fprintf(stderr, "kernels: %s\n", std::string(model->kernels_name()).c_str());
  return {};
}

}  // namespace

Command add_generate(CLI::App& program) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = program.add_subcommand("generate", "Continue texts on the terminal");
  add_model_options(*command, options->serve);
  command
      ->add_option("--prompt", options->prompts,
                   "a text to continue (may be repeated); - or none at all: standard input")
      ->allow_extra_args(false);
  command->add_option(
      "--prompt-file", options->prompt_file,
      "a file with a text to continue on each line, or an object with \"prompt\" on "
      "each line of a .jsonl");
  command->add_flag("--json", options->json, "print an object on one line for each prompt");
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
