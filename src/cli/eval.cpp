// kilotoken eval MODEL --task perplexity|kl|multiple_choice|multiple_choice_continuation: a table
// on standard output, JSON into a file. Names and output are lm-evaluation-harness's.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "measure/eval/report.h"

namespace kilotoken {
namespace {

namespace fs = std::filesystem;

struct EvalOptions {
  std::string model, task, data, output_path, rounded_as = "none", reference, isa;
  std::string quantization, activations = "auto";
  int limit = 0, num_fewshot = 0, threads = 0;
  std::optional<int> max_length;
};

// Tokens predicted in one window of text.
int window_of(const EvalOptions& options, const EvalModel& model) {
  return options.max_length.value_or(std::min(2048, model.files.config.max_position_embeddings));
}

// The file or folder to measure by: what was named, or what lies beside the model's files.
Result<fs::path> data_of(const EvalOptions& options, const EvalModel& model,
                         const char* beside_model) {
  if (!options.data.empty()) {
    if (fs::exists(options.data)) return fs::path(options.data);
    return Error{ErrorCode::kNotFound, "--data " + options.data + ": no such file or folder", {}};
  }
  const fs::path own = model.files.path / "data" / beside_model;
  if (fs::exists(own)) return own;
  return invalid("--task " + options.task + " needs --data: " + options.model +
                 " brings none of its own (no " + own.string() + ")");
}

Result<TokenizedTexts> texts_of(const EvalOptions& options, const EvalModel& model, int window) {
  KT_TRY(const fs::path path, data_of(options, model, "held_out.jsonl"));
  KT_TRY(std::vector<EvalText> texts, read_texts(path, options.limit));
  return tokenize(model, std::move(texts), window);
}

Result<std::vector<TaskReport>> run_perplexity(const EvalOptions& options, const EvalModel& model,
                                               ThreadPool& pool) {
  KT_TRY(const TokenizedTexts texts, texts_of(options, model, window_of(options, model)));
  KT_TRY(const PerplexityResult result, perplexity(model, texts, pool));
  return report_of(result);
}

Result<std::vector<TaskReport>> run_kl(const EvalOptions& options, const EvalModel& model,
                                       ThreadPool& pool) {
  if (options.reference.empty() && options.rounded_as == "none" && options.quantization.empty()) {
    return invalid(
        "--task kl compares two models: name the other with --reference, or take MODEL itself "
        "in another format with --quantization, or rounded with --rounded-as int4 or int8");
  }
  const std::string& other = options.reference.empty() ? options.model : options.reference;
  KT_TRY(const EvalModel reference, EvalModel::open(other, Rounding::kNone, options.isa, pool));
  KT_TRY(const TokenizedTexts texts, texts_of(options, reference, window_of(options, model)));
  KT_TRY(const KlResult result, kl(reference, model, texts, pool));
  return report_of(result);
}

template <Formulation formulation>
Result<std::vector<TaskReport>> run_multiple_choice(const EvalOptions& options,
                                                    const EvalModel& model, ThreadPool& pool) {
  KT_TRY(const fs::path path, data_of(options, model, "multiple_choice"));
  KT_TRY(const std::vector<Subject> subjects, read_subjects(path, options.limit));
  KT_TRY(const MultipleChoiceResult result,
         multiple_choice(model, model.files.tokenizer.get(), subjects, formulation,
                         options.num_fewshot, pool));
  return report_of(result, options.num_fewshot);
}

struct Task {
  const char* name;
  std::vector<std::string> flags;  // of kTaskFlags, those that it takes
  Result<std::vector<TaskReport>> (*run)(const EvalOptions&, const EvalModel&, ThreadPool&);
};
const std::vector<std::string> kTaskFlags = {"--max-length", "--reference", "--num-fewshot"};
const std::vector<Task> kTasks = {
    {"perplexity", {"--max-length"}, run_perplexity},
    {"kl", {"--max-length", "--reference"}, run_kl},
    {"multiple_choice", {"--num-fewshot"}, run_multiple_choice<Formulation::kLetters>},
    {"multiple_choice_continuation",
     {"--num-fewshot"},
     run_multiple_choice<Formulation::kContinuation>},
};

const Task* task_named(const std::string& name) {
  const auto found = std::ranges::find(kTasks, name, &Task::name);
  return found == kTasks.end() ? nullptr : &*found;
}

Result<void> check_flags(const CLI::App& command, const Task& task) {
  for (const std::string& flag : kTaskFlags) {
    if (command.count(flag) == 0 || std::ranges::count(task.flags, flag) > 0) continue;
    return invalid(flag + " has no meaning for --task " + task.name + ": leave it out");
  }
  return {};
}

OrderedJson config_of(const EvalOptions& options, const EvalModel& model) {
  return {{"model", options.model},
          {"reference", options.reference},
          {"rounded_as", options.rounded_as},
          {"quantization", options.quantization},
          {"activations", options.activations},
          {"data", options.data},
          {"limit", options.limit},
          {"max_length", window_of(options, model)},
          {"kernels", model.kernels->name}};
}

Result<void> evaluate(const EvalOptions& options, const Task& task) {
  ThreadPool pool(options.threads > 0 ? options.threads : usable_cpu_count());
  KT_TRY(const LoadOptions load, quantised_load(options.quantization, options.activations));
  const Rounding rounding = *rounding_named(options.rounded_as);
  if (rounding != Rounding::kNone && load.quantization) {
    return invalid("--rounded-as and --quantization are two ways to the same: leave one out");
  }
  KT_TRY(const EvalModel model, EvalModel::open(options.model, rounding, options.isa, pool, load));
  for (const std::string& said : model.model->loaded().exceptions(options.quantization)) {
    std::fprintf(stderr, "%s\n", said.c_str());
  }
  KT_TRY(const std::vector<TaskReport> reports, task.run(options, model, pool));
  std::fputs(table_of(reports).c_str(), stdout);
  if (std::fflush(stdout) != 0) {
    return Error{ErrorCode::kIo, "cannot write to standard output", {}};
  }
  if (options.output_path.empty()) return {};
  return write_text_file(options.output_path,
                         json_of(reports, config_of(options, model)).dump(2) + "\n");
}

}  // namespace

Command add_eval(CLI::App& program) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = program.add_subcommand("eval", "Measure how good a model's answers are");
  command
      ->add_option("model", options->model, "demo (built in), a model directory, or a .gguf file")
      ->required();
  command
      ->add_option("--task", options->task,
                   "perplexity: loss on texts; kl: divergence from a reference on texts; "
                   "multiple_choice: accuracy on questions in MMLU's layout, answered by letter; "
                   "multiple_choice_continuation: the same, answered by an option's own words")
      ->check(
          CLI::IsMember({"perplexity", "kl", "multiple_choice", "multiple_choice_continuation"}))
      ->required();
  command->add_option("--data", options->data,
                      "texts as .jsonl (an object with \"text\" a line) or one text in any other "
                      "file; a folder with test/*_test.csv; default: the model's own data folder");
  command->add_option("--limit", options->limit, "the first so many texts, or questions a subject")
      ->check(CLI::PositiveNumber);
  command->add_option("--num-fewshot", options->num_fewshot, "answered questions before each")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--max-length", options->max_length,
                   "tokens predicted in one window of text; default: the model's context, 2048 "
                   "at most")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--rounded-as", options->rounded_as,
                   "measure the model with its linears rounded as a format would: int4 (weights, "
                   "groups of 128, to nearest), int8 (weights per channel, activations per token)")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "int4", "int8"}));
  add_quantization_options(*command, options->quantization, options->activations, "");
  command->add_option("--reference", options->reference,
                      "the model that kl is measured from; default: MODEL as it is stored");
  command->add_option("--output-path", options->output_path, "a file for the results as JSON");
  command->add_option("--threads", options->threads, "kernel threads; 0 = all CPUs of this process")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  if (const char* isa = std::getenv("KILOTOKEN_ISA")) options->isa = isa;
  return [options, command]() -> Result<void> {
    const Task& task = *task_named(options->task);
    KT_TRY_VOID(check_flags(*command, task));
    return evaluate(*options, task);
  };
}

}  // namespace kilotoken
