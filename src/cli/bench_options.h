#pragma once
// The flags of `kilotoken bench` that its subcommands share, with vLLM's names and meanings.

#include <memory>
#include <string>
#include <vector>

#include "measure/bench/serve_bench.h"

namespace CLI {
class App;
}

namespace kilotoken {

struct BenchOptions {
  bench::ServeBenchOptions serve;
  std::string host = "127.0.0.1";
  int port = 8000;
  std::string base_url, rate = "inf", burstiness = "1", latency_origin = "auto";
  std::vector<std::string> goodput, headers, metadata, percentiles;
  std::string slo_preset, api_key;
  double request_timeout_s = 600, stall_timeout_s = 120, duration_s = 0;
  bool print_plan = false, strict = false, save_detailed = false, save_result = false;
  bool append_result = false;
  bool disable_tqdm = false, no_continuous_usage = false, no_server_times = false;
  int input_len = 0, output_len = 0;
  int repeat = 1;
  std::string result_dir, result_filename, report;
};

// Of every measurement of a server: target, data, load, sampling, metrics.
void add_bench_options(CLI::App& command, BenchOptions& options);
// Of one run alone: where its result goes, --print-plan and --strict.
void add_run_options(CLI::App& command, BenchOptions& options);

// The flags that were given, to be kept in the result; keys and headers are not shown.
OrderedJson given_flags(const CLI::App& command);

// Puts together what the flags say. kInvalid names the flag.
Result<bench::ServeBenchOptions> serve_options(const BenchOptions& options);

}  // namespace kilotoken
