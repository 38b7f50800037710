// kilotoken bench calibrate, sweep, compare, throughput, latency.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "base/files.h"
#include "cli/bench.h"
#include "cli/bench_options.h"
#include "cli/model_options.h"
#include "measure/bench/calibrate.h"
#include "measure/bench/compare.h"
#include "measure/bench/in_process.h"
#include "measure/bench/print.h"
#include "measure/bench/report.h"
#include "measure/bench/sweep.h"
#include "measure/bench/terminal.h"

namespace kilotoken {
namespace {

Result<void> write_json(const std::string& path, const OrderedJson& json) {
  if (path.empty()) return {};
  KT_TRY_VOID(write_text_file(path, json.dump(1) + "\n"));
  std::printf("result: %s\n", path.c_str());
  return {};
}

struct CalibrateOptions {
  int threads = 1;
  std::string json_path;
};

Result<void> calibrate(const CalibrateOptions& options) {
  const SystemClock clock;
  const BenchStop stop;
  KT_TRY(const bench::Calibration found,
         bench::calibrate(options.threads, clock, BenchStop::flag()));
  std::fputs(bench::calibration_text(found).c_str(), stdout);
  return write_json(options.json_path, bench::calibration_json(found));
}

struct SweepOptions {
  BenchOptions bench;
  std::vector<double> rates = {1, 2, 4, 8, 16, 32};
  bool search = false;
};

Result<void> sweep(const SweepOptions& options) {
  const SystemClock clock;
  KT_TRY(bench::ServeBenchOptions serve, serve_options(options.bench));
  serve.version = KILOTOKEN_VERSION;
  const bool limits = serve.summary.slos.any();
  if (options.search && !limits) {
    return invalid(
        "--slo-search looks for the highest rate within limits: give them by --goodput "
        "or --slo-preset");
  }
  KT_TRY(bench::ServeBench bench, bench::ServeBench::prepare(std::move(serve), clock));
  const BenchStop stop;
  std::vector<bench::SweepPoint> points;
  std::optional<double> knee;
  const auto measure = [&](double rate) -> Result<void> {
    KT_TRY_VOID(bench.prepare_next(rate));
    const bench::Measured measured = bench.measure(BenchStop::flag());
    print_run("rate " + bench::printed("%.2f", rate), measured);
    points.push_back(bench::point_of(rate, measured));
    knee = bench::find_knee(points, limits);
    return {};
  };
  const double first = *std::min_element(options.rates.begin(), options.rates.end());
  if (options.search) {
    while (const auto rate = bench::next_rate(points, first)) {
      if (BenchStop::flag()) break;
      KT_TRY_VOID(measure(*rate));
    }
  } else {
    for (const double rate : options.rates) {
      if (BenchStop::flag()) break;
      KT_TRY_VOID(measure(rate));
    }
  }
  std::printf("\n%s", bench::sweep_text(points, knee).c_str());
  const OrderedJson json = bench::sweep_json(points, knee);
  if (!options.bench.report.empty()) {
    KT_TRY(const std::string html, bench::report_html(json, ""));
    KT_TRY_VOID(write_text_file(options.bench.report, html));
    std::printf("report: %s\n", options.bench.report.c_str());
  }
  return write_json(options.bench.result_filename, json);
}

struct CompareOptions {
  BenchOptions bench;
  std::vector<std::string> files;
  std::string other_url, other_model, json_path;
};

// Of the first server and the second in turn, so that what changes with time falls on both. Each
// run of one has a run of the other with the same prompts.
Result<void> measure_both(const CompareOptions& options, std::vector<OrderedJson>& a,
                          std::vector<OrderedJson>& b) {
  const SystemClock clock;
  KT_TRY(bench::ServeBenchOptions serve, serve_options(options.bench));
  serve.version = KILOTOKEN_VERSION;
  bench::ServeBenchOptions other = serve;
  other.base_url = options.other_url;
  other.model = options.other_model;
  KT_TRY(bench::ServeBench first, bench::ServeBench::prepare(std::move(serve), clock));
  KT_TRY(bench::ServeBench second, bench::ServeBench::prepare_beside(first, std::move(other)));
  const BenchStop stop;
  for (int i = 0; i < options.bench.repeat && !BenchStop::flag(); ++i) {
    KT_TRY_VOID(first.prepare_next());
    second.take_plan(first);
    for (const bool is_first : {i % 2 == 0, i % 2 != 0}) {
      bench::ServeBench& bench = is_first ? first : second;
      const bench::Measured measured = bench.measure(BenchStop::flag());
      print_run("run " + std::to_string(i + 1) + " of " + (is_first ? "A" : "B"), measured);
      (is_first ? a : b).push_back(measured.json);
    }
  }
  return {};
}

// Flags of a measurement say nothing of results that lie in files.
Result<void> refuse_flags(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "files" || name == "--json" || name == "--other-url")
      continue;
    return invalid(name +
                   " is for measuring, and files are compared as they are: leave it out, or "
                   "measure both servers with --other-url");
  }
  return {};
}

Result<void> compare(const CompareOptions& options) {
  std::vector<OrderedJson> a, b;
  std::string name_a, name_b = options.other_url;
  if (!options.other_url.empty()) {
    if (!options.files.empty()) return invalid("compare either files or --other-url, not both");
    KT_TRY(const bench::ServeBenchOptions serve, serve_options(options.bench));
    name_a = serve.base_url;
    KT_TRY_VOID(measure_both(options, a, b));
  } else {
    if (options.files.size() < 2) {
      return invalid("compare needs results: A.json B.json (or --other-url, to measure both now)");
    }
    KT_TRY(a, bench::read_results(options.files[0]));
    name_a = options.files[0];
  }
  for (size_t i = 1; i < std::max<size_t>(options.files.size(), 2); ++i) {
    if (options.other_url.empty()) {
      name_b = options.files[i];
      KT_TRY(b, bench::read_results(name_b));
    }
    const auto comparisons = bench::compare(a, b);
    std::printf("\n%s", bench::comparison_text(name_a, name_b, comparisons).c_str());
    if (i == 1) {
      OrderedJson json = bench::comparison_json(comparisons);
      if (!options.other_url.empty()) {
        json["runs_a"] = a;
        json["runs_b"] = b;
      }
      KT_TRY_VOID(write_json(options.json_path, json));
    }
  }
  return {};
}

struct InProcessOptions {
  ServeOptions model;
  bench::BatchOptions batch;
  std::string json_path;
};

Result<std::vector<bench::BatchRun>> in_process(InProcessOptions& options) {
  const SystemClock clock;
  const Log log(Log::Level::kWarn);
  KT_TRY(const std::unique_ptr<ServedModel> model,
         ServedModel::load(options.model, {clock, log, nullptr, loading_progress()}));
  const BenchStop stop;
  return bench::run_batches(*model, options.batch, clock, BenchStop::flag());
}

Result<void> throughput(InProcessOptions& options) {
  KT_TRY(const auto runs, in_process(options));
  std::fputs(bench::throughput_text(options.batch, runs).c_str(), stdout);
  const OrderedJson environment = bench::environment_json(KILOTOKEN_VERSION);
  return write_json(options.json_path, bench::throughput_json(options.batch, runs, environment));
}

Result<void> latency(InProcessOptions& options) {
  KT_TRY(const auto runs, in_process(options));
  std::fputs(bench::latency_text(options.batch, runs).c_str(), stdout);
  const OrderedJson environment = bench::environment_json(KILOTOKEN_VERSION);
  return write_json(options.json_path, bench::latency_json(options.batch, runs, environment));
}

// The whole batch runs at once, unless --max-num-seqs was given and is too small for that.
Result<void> fit_batch(const CLI::App& command, InProcessOptions& options) {
  const int batch = options.batch.batch_size;
  if (command.count("--max-num-seqs") == 0) {
    options.model.max_num_seqs = std::max(options.model.max_num_seqs, batch);
  }
  if (options.model.max_num_seqs >= batch) return {};
  return invalid("--max-num-seqs " + std::to_string(options.model.max_num_seqs) +
                 " is below --batch-size " + std::to_string(batch) + ": they run at once");
}

void add_batch_options(CLI::App& command, InProcessOptions& options) {
  add_model_options(command, options.model);
  options.model.model = "demo";
  command.get_option("model")->required(false);
  command.add_option("--model", options.model.model, "as MODEL")->capture_default_str();
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->capture_default_str();
  };
  add("--batch-size", options.batch.batch_size, "prompts at once")->check(CLI::Range(1, 65536));
  add("--output-len", options.batch.output_len, "tokens of an answer")->check(CLI::PositiveNumber);
  add("--input-len", options.batch.input_len, "made-up ids of this length; 0: the prompt")
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--ignore-eos", options.batch.ignore_eos, "go on past the end-of-text token");
  command.add_option("--output-json", options.json_path, "a file for the numbers");
}

}  // namespace

Command add_bench_calibrate(CLI::App& bench) {
  auto options = std::make_shared<CalibrateOptions>();
  CLI::App* command =
      bench.add_subcommand("calibrate", "What the client itself can do on this machine");
  command->add_option("--threads", options->threads, "of the client")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  command->add_option("--json", options->json_path, "a file for the numbers");
  return [options] { return calibrate(*options); };
}

Command add_bench_sweep(CLI::App& bench) {
  auto options = std::make_shared<SweepOptions>();
  CLI::App* command = bench.add_subcommand("sweep", "Measure at one rate after another");
  add_bench_options(*command, options->bench);
  command->remove_option(command->get_option("--request-rate"));
  command->add_option("--result-filename", options->bench.result_filename, "a file for the JSON");
  command->add_option("--report", options->bench.report, "one HTML page with everything");
  command->add_option("--rates", options->rates, "requests per second, a list")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_flag(
      "--slo-search", options->search,
      "instead of --rates, from the lowest of them on: doubled, then between the last "
      "rate within the limits (--goodput) and the first beyond, until 10 % are left");
  return [options, command] {
    options->bench.serve.configuration["flags"] = given_flags(*command);
    return sweep(*options);
  };
}

Command add_bench_compare(CLI::App& bench) {
  auto options = std::make_shared<CompareOptions>();
  options->bench.repeat = 5;
  CLI::App* command = bench.add_subcommand("compare", "Two servers, or results: which is better?");
  add_bench_options(*command, options->bench);
  command->add_option("files", options->files,
                      "results, the first beside each other one; nothing is measured then");
  command->add_option("--other-url", options->other_url, "of the second server, to measure both");
  command->add_option("--other-model", options->other_model, "its model's name");
  command->add_option("--repeat", options->bench.repeat, "runs of each, in turn")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--json", options->json_path, "a file for the numbers");
  return [options, command]() -> Result<void> {
    options->bench.serve.configuration["flags"] = given_flags(*command);
    if (!options->files.empty()) KT_TRY_VOID(refuse_flags(*command));
    return compare(*options);
  };
}

Command add_bench_throughput(CLI::App& bench) {
  auto options = std::make_shared<InProcessOptions>();
  CLI::App* command = bench.add_subcommand("throughput", "The engine in this process, batches");
  add_batch_options(*command, *options);
  command->add_option("--num-iterations", options->batch.iterations, "batches measured")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--prompt", options->batch.prompt, "of every request")->capture_default_str();
  return [options, command]() -> Result<void> {
    KT_TRY_VOID(fit_batch(*command, *options));
    return throughput(*options);
  };
}

Command add_bench_latency(CLI::App& bench) {
  auto options = std::make_shared<InProcessOptions>();
  options->batch = {.batch_size = 8,
                    .iterations = 30,
                    .warmups = 10,
                    .prompt = "",
                    .input_len = 32,
                    .output_len = 128,
                    .ignore_eos = true};
  CLI::App* command = bench.add_subcommand("latency", "The engine in this process, one batch");
  add_batch_options(*command, *options);
  command->add_option("--num-iters", options->batch.iterations, "batches measured")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--num-iters-warmup", options->batch.warmups, "batches before")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  return [options, command]() -> Result<void> {
    KT_TRY_VOID(fit_batch(*command, *options));
    return latency(*options);
  };
}

}  // namespace kilotoken
